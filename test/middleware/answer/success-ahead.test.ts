import { describe, expect, it } from 'vitest';
import { readSuccess } from '../../../packages/middleware/src/answer/success-ahead.ts';

describe('what `result` gives', () => {
  it.each<[unknown, number, string | undefined]>([
    [{}, 200, 'null'],
    [{ body: { order: 1 } }, 200, '{"order":1}'],
    [{ status: 201, body: 'done' }, 201, '"done"'],
    [{ status: 204 }, 204, undefined],
    [{ status: 205, body: 'none is sent' }, 205, undefined],
    [{ status: 299, body: null }, 299, 'null'],
  ])('%j is the success %i with the body %s', (given, status, body) => {
    expect(readSuccess(given)).toEqual({ status, body });
  });

  it.each<[unknown, RegExp]>([
    [undefined, /result gave undefined; give \{ status: 201/],
    [null, /gave null/],
    ['ok', /gave "ok"/],
    [[201], /gave an array/],
    [{ status: 400 }, /the status 400; what is told ahead of the work is a success, 200 to 299/],
    [{ status: 303 }, /the status 303/],
    [{ status: 199 }, /the status 199/],
    [{ status: 200.5 }, /the status 200.5/],
    [{ status: '201' }, /the status "201"/],
    [{ status: null }, /the status null/],
    [{ body: () => {} }, /a body that JSON has no text for: function/],
    [{ body: 1n }, /BigInt/],
  ])('%s is none', (given, message) => {
    expect(() => readSuccess(given)).toThrow(message);
  });
});
