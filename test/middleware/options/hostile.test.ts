import { createContext, runInContext } from 'node:vm';
import { isSlackwaterError } from '@slackwater/shared';
import {
  anything,
  array,
  assert,
  constantFrom,
  dictionary,
  letrec,
  oneof,
  property,
  record,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../../packages/middleware/src/options/resolve-options.ts';
import { refusalOf } from './refused.ts';

const names = [
  'application group workTypes defaultWorkType thresholdMs routes classify partition requester capture restore',
  'captureHeaders engine latency ledger perform auth basePath publicUrl maxBodyBytes retryAfterCapMs maxLearnedRoutes maxLearnedRouteAgeMs',
]
  .join(' ')
  .split(' ');

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function outcomeOf(options: unknown): 'accepted' | 'refused' {
  try {
    resolveOptions(options);
    return 'accepted';
  } catch (error) {
    if (!isSlackwaterError(error)) throw error;
    expect(error.code).toMatch(/^option-/);
    expect(error.message.length).toBeLessThan(1_000);
    return 'refused';
  }
}

describe('hostile options', () => {
  it.each(names)('never make %s fall, whatever it is', (name) => {
    const evil = [
      revoked(),
      [revoked()],
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('no');
          },
          ownKeys: () => {
            throw new Error('no');
          },
        },
      ),
      Object.create({ priority: 1 }),
      Object.create(null),
      new Map(),
      new (class {})(),
      Symbol('s'),
      new Date(Number.NaN),
      {
        toString: () => {
          throw new Error('no');
        },
        constructor: null,
      },
      JSON.parse('{"__proto__":{"priority":1}}'),
      JSON.parse('{"constructor":{"priority":1}}'),
      JSON.parse('{"a":{"__proto__":{"priority":1},"hasOwnProperty":1}}'),
      new Array(1e6),
      'x'.repeat(1e6),
      -0,
    ];
    for (const value of evil) outcomeOf({ [name]: value });
  });

  it('take nothing from a prototype', () => {
    expect(refusalOf(JSON.parse('{"__proto__":{"thresholdMs":1}}'))).toMatchObject({
      code: 'option-unknown',
      option: '__proto__',
    });
    expect(refusalOf(Object.create({ thresholdMs: 1 }))).toMatchObject({ code: 'option-invalid' });
    const inherited = Object.assign(Object.create(null), { thresholdMs: 1 });
    expect(resolveOptions(inherited).workTypes).toMatchObject([{ thresholdMs: 1 }]);
    expect(Object.getPrototypeOf({})).not.toHaveProperty('thresholdMs');
  });

  it('refuse instances of classes, whose members may be anywhere, by the name of the class', () => {
    class Settings {
      get thresholdMs(): number {
        return 1;
      }
    }
    expect(refusalOf(new Settings()).message).toContain('the class Settings');
    expect(refusalOf({ workTypes: new Map([['a', { priority: 1 }]]) }).message).toMatch(
      /^workTypes: .*class Map/,
    );
  });

  it('are read once each, so that what was checked is what is used', () => {
    let reads = 0;
    const options = {
      get thresholdMs(): unknown {
        reads += 1;
        return reads === 1 ? 100 : 'changed';
      },
    };
    expect(resolveOptions(options).workTypes).toMatchObject([{ thresholdMs: 100 }]);
    expect(reads).toBe(1);
  });

  it('may throw when they are read', () => {
    const options = {
      get thresholdMs(): number {
        throw new Error('no');
      },
    };
    expect(refusalOf(options)).toMatchObject({ code: 'option-invalid', cause: new Error('no') });
  });

  it('may come from another realm', () => {
    const options: unknown = runInContext(
      '({ workTypes: { a: { priority: 1 } }, partition: ["p"] })',
      createContext(),
    );
    expect(resolveOptions(options)).toMatchObject({ defaultWorkType: 'a', partition: ['p'] });
  });

  it('are accepted whole or refused as options, whatever they are', () => {
    const { value } = letrec((tie) => ({
      value: oneof(
        anything(),
        constantFrom(1, 'a', 'defer', 'GET /a', () => 'a'),
        tie('tree'),
      ),
      tree: dictionary(
        constantFrom(...names, 'a', 'GET /a', 'priority', 'window', 'key', '__proto__'),
        tie('value'),
      ),
    }));
    const given = record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] });
    assert(
      property(oneof(given, anything(), array(value)), (options) => {
        outcomeOf(options);
      }),
      { numRuns: 500 },
    );
  });
});
