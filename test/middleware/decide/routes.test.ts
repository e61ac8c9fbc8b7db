import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pathMatcher } from '../../../packages/middleware/src/decide/path-pattern.ts';
import { routeTable } from '../../../packages/middleware/src/decide/route-table.ts';

describe('the table of routes', () => {
  const find = routeTable([
    { method: 'POST', pattern: '/orders' },
    { method: 'POST', pattern: '/orders/:id/notes' },
    { method: '*', pattern: '/files/*path' },
    { method: 'GET', pattern: '/reports{/:year}' },
    { method: 'POST', pattern: '/orders/new' },
  ]);

  it.each([
    ['POST', '/orders', '/orders', {}],
    ['POST', '/orders/', '/orders', {}],
    ['POST', '/Orders', '/orders', {}],
    ['POST', '/orders/7%2F8/notes', '/orders/:id/notes', { id: '7/8' }],
    ['POST', '/orders/%zz/notes', '/orders/:id/notes', { id: '%zz' }],
    ['DELETE', '/files/a/b', '/files/*path', { path: 'a/b' }],
    ['HEAD', '/reports', '/reports{/:year}', {}],
    ['GET', '/reports/2026', '/reports{/:year}', { year: '2026' }],
  ])('finds the rule for %s %s', (method, path, pattern, params) => {
    const found = find(method, path);
    expect(found?.route.pattern).toBe(pattern);
    expect({ ...found?.params }).toEqual(params);
  });

  it.each([
    ['GET', '/orders'],
    ['POST', '/orders/7'],
    ['POST', '//orders'],
    ['PUT', '/reports'],
  ])('finds none for %s %s', (method, path) => {
    expect(find(method, path)).toBeUndefined();
  });
});

describe('a path that is spelled like a rule', () => {
  const find = routeTable([
    { method: 'POST', pattern: '/orders/:id' },
    { method: 'POST', pattern: '/orders/all' },
    { method: 'POST', pattern: '/reports' },
    { method: '*', pattern: '/reports' },
  ]);

  it('is still that of an earlier rule which matches it too', () => {
    expect(find('POST', '/orders/all')).toMatchObject({
      route: { pattern: '/orders/:id' },
      params: { id: 'all' },
      exact: false,
    });
  });

  it('is known to be always that of its rule, by its method', () => {
    expect(find('POST', '/reports')).toMatchObject({ route: { method: 'POST' }, exact: true });
    expect(find('PATCH', '/reports')).toMatchObject({ route: { method: '*' }, exact: true });
    expect(find('POST', '/REPORTS/')).toMatchObject({ route: { pattern: '/reports' }, exact: false });
  });
});

describe('the quick look at how a path begins', () => {
  it('turns away nothing that the pattern itself matches', () => {
    const patterns = [
      '/orders/:id',
      '/Ordres{/:id}',
      '/a/*rest',
      '/{:x}',
      '/é/:id',
      '/k/:id',
      '/[/:id',
      '/s',
      '/:x/:y',
      '/orders/:id/notes',
      '/orders/:id/Notes/:note',
      '/orders/:id/',
    ];
    const characters = fc.constantFrom(...'/orderskaOK{}[]é\u212a\u017f%20'.split(''));
    const paths = fc.oneof(
      fc.array(characters, { maxLength: 12 }).map((parts) => `/${parts.join('')}`),
      fc.constantFrom(
        '/orders/1',
        '/ORDERS/1',
        '/ordres',
        '/A/b/c',
        '/',
        '/é/1',
        '/É/1',
        '/\u212a/1',
        '/K/1',
        '/[/1',
        '/{/1',
        '/orders/1/',
        '/orders/1//',
        '/orders//notes',
        '/orders/1/notes',
        '/ORDERS/a%20b/notes/',
        '/orders/%zz/notes',
        '/orders/1/notesx',
        '/orders/1/note',
        '/orders/1/notes/2',
        '/orders/1/no\u017fes/2',
        'orders/1',
        '//1',
        '',
      ),
    );
    fc.assert(
      fc.property(fc.constantFrom(...patterns), paths, (pattern, path) => {
        let unhurried: ReturnType<typeof pathMatcher>;
        try {
          // What may begin with something else, and never does here, is not looked at beforehand.
          unhurried = pathMatcher(`{/never}${pattern}`);
        } catch {
          return;
        }
        expect(pathMatcher(pattern)(path)).toEqual(unhurried(path));
      }),
      { numRuns: 2_000 },
    );
  });
});
