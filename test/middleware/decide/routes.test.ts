import { describe, expect, it } from 'vitest';
import { LearnedRoutes } from '../../../packages/middleware/src/decide/learned-routes.ts';
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

describe('learned routes', () => {
  it('know by pattern what was seen once by path', () => {
    const learned = new LearnedRoutes(10);
    learned.learn('POST', '/orders/:id', '/orders/1', 'a');
    expect(learned.partitionsOf('POST', '/orders/2')).toEqual(['a']);
    expect(learned.partitionsOf('POST', '/orders/2/notes')).toEqual([]);
    expect(learned.partitionsOf('GET', '/orders/2')).toEqual([]);
  });

  it('know several partitions of one route', () => {
    const learned = new LearnedRoutes(10);
    learned.learn('POST', '/orders', '/orders', 'a');
    learned.learn('POST', '/orders', '/orders', 'b');
    learned.learn('POST', '/orders', '/orders', 'a');
    expect(learned.partitionsOf('POST', '/orders')).toEqual(['a', 'b']);
  });

  it('go by the path alone where the pattern is none of theirs', () => {
    const learned = new LearnedRoutes(10);
    learned.learn('POST', '/old/*', '/old/1', 'a');
    learned.learn('POST', undefined, '/regexp/1', 'b');
    expect(learned.partitionsOf('POST', '/old/1')).toEqual(['a']);
    expect(learned.partitionsOf('POST', '/old/2')).toEqual([]);
    expect(learned.partitionsOf('POST', '/regexp/1')).toEqual(['b']);
  });

  it('are bounded: the one that has not committed for longest is forgotten', () => {
    const learned = new LearnedRoutes(3);
    for (const n of [1, 2, 3]) learned.learn('POST', `/r${n}`, `/r${n}`, 'p');
    learned.learn('POST', '/r1', '/r1', 'p');
    learned.learn('POST', '/r4', '/r4', 'p');
    expect([...learned.list()].map(({ route }) => route)).toEqual(['POST /r3', 'POST /r1', 'POST /r4']);
    expect(learned.partitionsOf('POST', '/r2')).toEqual([]);
    for (let n = 0; n < 10_000; n++) learned.learn('POST', undefined, `/raw/${n}`, 'p');
    expect([...learned.list()]).toHaveLength(3);
  });
});
