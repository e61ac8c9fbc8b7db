import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../../packages/middleware/src/options/resolve-options.ts';
import { refusalOf } from './refused.ts';

const workTypes = { pay: { priority: 1, exempt: true }, settle: { priority: 2 } };
const routed = (routes: unknown, more: object = {}): object => ({ workTypes, routes, ...more });

describe('routes', () => {
  it('come in the order of the table, as method and pattern', () => {
    const orderKey = (): string => 'k';
    const { routes } = resolveOptions(
      routed({
        'POST /b/:id/settle': { workType: 'settle', partition: ['x', 'y'], orderKey },
        '* /a/*rest': { workType: () => 'pay' },
        'DELETE /c{/:id}': {},
      }),
    );
    expect(routes).toEqual([
      { method: 'POST', pattern: '/b/:id/settle', workType: 'settle', partition: ['x', 'y'], orderKey },
      {
        method: '*',
        pattern: '/a/*rest',
        workType: expect.any(Function),
        partition: undefined,
        orderKey: undefined,
      },
      {
        method: 'DELETE',
        pattern: '/c{/:id}',
        workType: undefined,
        partition: undefined,
        orderKey: undefined,
      },
    ]);
  });

  it.each([
    ['/a', 'give "POST /a", or "* /a" for any method'],
    ['POST', 'give "POST /orders/:id"'],
    ['POST  /a', 'one blank'],
    ['post /a', 'give "POST /a"'],
    ['FETCH /a', 'for any method give "* /a"'],
    ['POST a', 'give "POST /a"'],
    ['GET /a/*', 'there it is spelled "GET /a/*rest"'],
    ['GET /a/*/b/*', 'there it is spelled "GET /a/*rest/b/*rest2"'],
    ['GET /:x?', 'there it is spelled "GET {/:x}"'],
    ['GET /a/:x?/b', 'there it is spelled "GET /a{/:x}/b"'],
    ['GET /:x*', 'there it is spelled "GET {/*x}"'],
    ['GET /:x+', 'there it is spelled "GET /*x"'],
    ['GET /ab?c', 'there it is spelled "GET /a{b}c"'],
    ['GET /:id(\\d+)', 'there it is spelled "GET /:id", without the expression'],
    ['GET /(.*)', 'there it is spelled "GET /*rest"'],
    ['GET /a(b', 'is no pattern of path-to-regexp 8'],
    ['GET /:a/:a', 'two parameters are named a'],
    [`GET /${'a'.repeat(1_024)}`, 'more than 1024 characters'],
    [`GET ${'{/a}'.repeat(12)}`, 'is no pattern of path-to-regexp 8'],
    ['', 'one blank and a path'],
    ['__proto__', 'one blank and a path'],
  ])('refuse the key %s and say the spelling', (key, wayOut) => {
    const refusal = refusalOf(routed(JSON.parse(`{${JSON.stringify(key)}:{}}`)));
    expect(refusal.code).toBe('option-invalid');
    expect(refusal.message).toMatch(/^routes[[.]/);
    expect(refusal.message).toContain(wayOut);
    const spelled = /there it is spelled "([^"]+)"/.exec(refusal.message)?.[1];
    if (spelled !== undefined) expect(resolveOptions(routed({ [spelled]: {} })).routes).toHaveLength(1);
  });

  it('refuse work types that do not exist, and say which do', () => {
    expect(refusalOf(routed({ 'POST /a': { workType: 'setle' } })).message).toBe(
      'routes["POST /a"].workType: "setle" is no work type; did you mean "settle"? the work types are pay, settle',
    );
    expect(refusalOf({ routes: { 'POST /a': { workType: 'constructor' } } }).message).toContain(
      'the work types are default',
    );
  });

  it('refuse an order key on exempt work, also where the default work type is', () => {
    const refused = 'routes["POST /a"].orderKey: given for the exempt work type pay';
    const orderKey = 'k';
    expect(refusalOf(routed({ 'POST /a': { workType: 'pay', orderKey } })).message).toContain(refused);
    expect(refusalOf(routed({ 'POST /a': { orderKey } }, { defaultWorkType: 'pay' })).message).toContain(
      refused,
    );
  });

  it('leave an order key alone where only a function says the work type', () => {
    const rule = { 'POST /a': { orderKey: 'k' } };
    const classify = (): string => 'settle';
    expect(resolveOptions(routed(rule, { defaultWorkType: 'pay', classify })).routes).toHaveLength(1);
    expect(resolveOptions(routed({ 'POST /a': { workType: classify, orderKey: 'k' } })).routes).toHaveLength(
      1,
    );
  });

  it.each([
    [{ orderKey: 7 }, 'routes["POST /a"].orderKey: 7 is a number'],
    [{ partition: 7 }, 'routes["POST /a"].partition: 7 is a number'],
    [{ workType: 7 }, 'routes["POST /a"].workType: 7 is a number'],
    ['settle', 'routes["POST /a"]: "settle" is a string'],
  ])('refuse %j', (rule, message) => {
    expect(refusalOf(routed({ 'POST /a': rule })).message).toContain(message);
  });
});
