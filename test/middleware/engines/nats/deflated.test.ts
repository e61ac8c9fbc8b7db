import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import { packBundle, unpackBundle } from '../../../../packages/middleware/src/engines/nats/bundle-message.ts';
import { packEntries, unpackEntries } from '../../../../packages/middleware/src/engines/nats/log-frame.ts';
import { bytes } from '../../../contracts/engine-under-test.ts';

const start = { seq: 1, position: 0 };
const alike = (n: number): Uint8Array =>
  bytes(JSON.stringify({ application: 'payments', group: 'main', id: n, reasons: ['over-threshold'] }));
const many = Array.from({ length: 100 }, (_, n) => alike(n));

function sent(given: Readonly<Record<string, string>>): MsgHdrs {
  const made = headers();
  for (const [name, value] of Object.entries(given)) made.set(name, value);
  return made;
}

describe('what many callers write together', () => {
  it('is a third as long where it is alike, and read as it was written', () => {
    const log = packEntries(many, start);
    expect(3 * log.data.byteLength).toBeLessThan(many.reduce((sum, entry) => sum + entry.byteLength, 0));
    expect(unpackEntries(sent(log.headers), log.data)).toEqual(many);
    const values = many.map((value, n) => first(`deferral/${n}`, value));
    const bundle = packBundle(values, 1);
    expect(bundle.headers['Slackwater-Encoding']).toBe('deflate');
    expect(unpackBundle(sent(bundle.headers), bundle.data)?.get('deferral/99')?.data).toEqual(many[99]);
  });

  it('is written as it is where there is little of it, or nothing in it twice', () => {
    const noise = Array.from({ length: 100 }, () => new Uint8Array(randomBytes(200)));
    for (const entries of [many.slice(0, 1), noise]) {
      const { headers: given, data } = packEntries(entries, start);
      expect(given['Slackwater-Encoding']).toBeUndefined();
      expect(unpackEntries(sent(given), data)).toEqual(entries);
    }
  });

  it('holds nothing where it says that it is deflated and is not, or would fill the memory', () => {
    const { headers: given, data } = packEntries(many, start);
    const bodies = [data.subarray(1), data.subarray(0, -1), deflateRawSync(new Uint8Array(5_000_000))];
    for (const body of bodies) expect(unpackEntries(sent(given), body)).toBeUndefined();
    expect(
      unpackEntries(sent({ ...given, 'Slackwater-Encoding': 'of another version' }), data),
    ).toBeUndefined();
    const bundle = packBundle(
      many.map((value, n) => first(`deferral/${n}`, value)),
      1,
    );
    for (const body of bodies) expect(unpackBundle(sent(bundle.headers), body)).toBeUndefined();
  });
});

function first(key: string, value: Uint8Array): Parameters<typeof packBundle>[0][number] {
  return { key, value, expiresAt: undefined, chunks: undefined, isFresh: true };
}
