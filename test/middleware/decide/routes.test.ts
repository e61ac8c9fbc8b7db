import { describe, expect, it } from 'vitest';
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
