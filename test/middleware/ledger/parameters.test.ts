import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutJson } from '../../../packages/middleware/src/ledger/json-cut.ts';
import {
  openNames,
  openParameter,
  openPayload,
  type PayloadFacts,
  sealPayload,
  splitPayload,
} from '../../../packages/middleware/src/ledger/payload-record.ts';
import {
  type ChosenParameters,
  cutRequest,
  joinRequest,
} from '../../../packages/middleware/src/ledger/request-parameters.ts';
import { openVault, type Vault } from '../../../packages/middleware/src/ledger/vault.ts';
import { requestOf } from './ledgers.ts';

const id = '01JTX0000000000000000000E7';
const pseudonym = 'Zm9vYmFyYmF6cXV4MTIzNA';
const vault = openVault({ id: '0a0b0c0d', key: Buffer.alloc(32, 7) });
const facts: PayloadFacts = {
  salt: Buffer.alloc(48, 1),
  contextNonce: Buffer.alloc(16, 2),
  method: 'POST',
  priority: 2,
  orderKey: undefined,
  completionKey: id,
  capability: '',
  logSize: 0,
};

const order = requestOf({
  url: '/orders/4711?voucher=SUMMER%202026&x&voucher=WINTER',
  body: Buffer.from('{"card":{"number":"4111","cvc":"123"}, "amount":42,"notes":["a","b"]}'),
});

function recordOf(request = order, chosen: ChosenParameters = 'all') {
  return splitPayload(id, sealPayload({ vault, id, pseudonym }, facts, request, chosen));
}

function parameter(name: string, record = recordOf()): string | undefined {
  const value = openParameter(vault, record, name);
  return value && Buffer.from(value).toString();
}

describe('the parameters of a request', () => {
  it('are all there is, each under its name, unless a list says which (B-20)', () => {
    expect(openNames(vault, recordOf())).toEqual([
      'path',
      'query voucher',
      'header accept-language',
      'header content-type',
      'body /card/number',
      'body /card/cvc',
      'body /amount',
      'body /notes/0',
      'body /notes/1',
      'identity',
      'address',
    ]);
    const chosen = new Set(['body /card', 'header content-type', 'body /none']);
    const record = recordOf(order, chosen);
    expect(openNames(vault, record)).toEqual(['header content-type', 'body /card', 'identity', 'address']);
    expect(parameter('body /card', record)).toBe('{"number":"4111","cvc":"123"}');
  });

  it('are read one at a time, without the others being decrypted (B-20)', () => {
    const opened: string[] = [];
    const watched: Vault = {
      ...vault,
      open(record, name, sealed) {
        opened.push(name);
        return vault.open(record, name, sealed);
      },
    };
    const value = openParameter(watched, recordOf(), 'body /card/number');
    expect(Buffer.from(value ?? []).toString()).toBe('"4111"');
    expect(opened).toEqual(['names', 'parameter body /card/number']);
    // Of a name that is there twice it is the last, as frameworks read it.
    expect(parameter('query voucher')).toBe('WINTER');
    expect(parameter('address')).toBe('203.0.113.7');
    expect(parameter('none')).toBeUndefined();
  });

  it('do not open in the place of one another, nor in another record (B-21)', () => {
    const record = recordOf();
    const names = openNames(vault, record);
    const [number, cvc] = ['body /card/number', 'body /card/cvc'].map((name) => names.indexOf(name));
    const swapped = record.parameters.map((sealed, i) => {
      if (i === number) return record.parameters[cvc ?? -1] ?? sealed;
      return i === cvc ? (record.parameters[number ?? -1] ?? sealed) : sealed;
    });
    const corrupt = expect.objectContaining({ code: 'record-corrupt' });
    expect(() => parameter('body /card/cvc', { ...record, parameters: swapped })).toThrow(corrupt);
    expect(() => openPayload(vault, { ...record, parameters: swapped })).toThrow(corrupt);
    expect(() => parameter('body /card/cvc', { ...record, id: id.replace('E7', 'E8') })).toThrow(corrupt);
    const fewer = { ...record, parameters: record.parameters.slice(1) };
    expect(() => openPayload(vault, fewer)).toThrow(corrupt);
  });

  it('have different ciphertexts where they are equal, in one record and in two (B-21)', () => {
    const same = requestOf({ body: Buffer.from('{"a":"x","b":"x"}') });
    const sealed = [recordOf(same), recordOf(same)].flatMap(({ parameters }) => parameters);
    const texts = sealed.map((bytes) => Buffer.from(bytes).toString('base64'));
    expect(new Set(texts).size).toBe(texts.length);
  });

  it('say nothing where they are kept: neither names nor values, of a list or not (B-20)', () => {
    for (const chosen of ['all', new Set<string>(), new Set(['body /card/number'])] as const) {
      const bytes = Buffer.from(sealPayload({ vault, id, pseudonym }, facts, order, chosen)).toString(
        'latin1',
      );
      for (const text of ['4111', 'number', 'SUMMER', 'voucher', 'accept-language', 'alice', 'orders']) {
        expect(bytes).not.toContain(text);
      }
    }
  });

  it('make the very same request again, whatever it is and whichever are chosen', () => {
    const json = fc.json({ maxDepth: 6 }).map((text) => Buffer.from(text));
    const spaced = fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value, null, 3)));
    const request = fc.record({
      method: fc.constant('POST'),
      url: fc
        .array(fc.constantFrom('a=1', 'b=%C3%A9', 'a', '=', '', '%', 'c=d=e'))
        .map((pairs) => `/orders/7${pairs.length > 0 ? '?' : ''}${pairs.join('&')}`),
      headers: fc
        .array(fc.tuple(fc.constantFrom('x-a', 'x-b'), fc.string()))
        .map((list) => [['content-type', 'application/json; charset=utf-8'] as const, ...list]),
      body: fc.oneof(
        json,
        spaced,
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
      remoteAddress: fc.option(fc.ipV4(), { nil: undefined }),
      identity: fc.option(fc.constant({ sub: 'x' }), { nil: undefined }),
    });
    const chosen = fc.oneof(
      fc.constant<ChosenParameters>('all'),
      fc
        .array(fc.constantFrom('path', 'body', 'header x-a', 'body /0', 'body /a/b'))
        .map((list) => new Set(list)),
    );
    fc.assert(
      fc.property(request, chosen, (given, which) => {
        expect(joinRequest(cutRequest(given, which), 'POST')).toEqual(given);
      }),
      { numRuns: 100 },
    );
  });
});

describe('cutting JSON', () => {
  const cut = (text: string, most = 256): readonly string[] | undefined =>
    cutJson(text, { most })?.map(({ pointer, start, end }) => `${pointer}=${text.slice(start, end)}`);

  it('finds every innermost value, as its text stands there', () => {
    expect(cut(' {"a" : 1.50, "b":{"c":"x\\"}","d":[true,{"e~/":null}]}, "f":[], "g":{}}\n')).toEqual([
      '/a=1.50',
      '/b/c="x\\"}"',
      '/b/d/0=true',
      '/b/d/1/e~0~1=null',
      '/f=[]',
      '/g={}',
    ]);
  });

  it('takes values of a higher level, whole, where there are too many', () => {
    const text = '{"a":1,"b":{"c":2,"d":[3,4,5]}}';
    expect(cut(text, 5)).toHaveLength(5);
    expect(cut(text, 4)).toEqual(['/a=1', '/b/c=2', '/b/d=[3,4,5]']);
    expect(cut(text, 2)).toEqual(['/a=1', '/b={"c":2,"d":[3,4,5]}']);
    expect(cut(text, 1)).toEqual([]);
  });

  it('goes by the last of several members of one name', () => {
    expect(cut('{"a":{"b":1},"a":{"c":2}}')).toEqual(['/a/c=2']);
  });

  it('is undefined for what is no JSON, and nothing for a lone value', () => {
    expect(['', '{', '{"a":1,}', '{} x'].map((text) => cut(text))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(['1', '"x"', 'null', '[]', '{}'].map((text) => cut(text))).toEqual([[], [], [], [], []]);
  });

  it('looks no deeper than eight levels, and is not led into recursion by brackets', () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    expect(cut(deep)).toEqual([`${'/0'.repeat(8)}=${deep.slice(8, -8)}`]);
  });

  it('finds what JSON.parse finds under the same pointer', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 7 }), (text) => {
        for (const { pointer, start, end } of cutJson(text, { most: 10_000 }) ?? []) {
          const steps = pointer
            .split('/')
            .slice(1)
            .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
          const at = steps.reduce<unknown>((value, step) => Object(value)[step], JSON.parse(text));
          expect(JSON.parse(text.slice(start, end))).toEqual(at);
        }
      }),
      { numRuns: 100 },
    );
  });
});
