import { decodeRotations, encodeRotations, verifyRotation, walkRotations } from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKeyFile, makeSigningKey, parseKeyFile } from '../../packages/middleware/src/ledger/keys.ts';
import { openSigner } from '../../packages/middleware/src/ledger/signer.ts';
import { anything, hostileValues } from './hostile.ts';

const keys = parseKeyFile(createKeyFile({ application: 'shop', group: 'main' }));
const signer = openSigner({ ...keys, signing: [...keys.signing, makeSigningKey(), makeSigningKey()] });
const [first = '', second = '', third = ''] = signer.verifierKeys;
const [toSecond, toThird] = [signer.signRotation(0, 1), signer.signRotation(1, 2)];
const wild = [...hostileValues, ...fc.sample(anything, 100)];

describe('rotations of signing keys that anybody may have made up', () => {
  it('lead from key to key where each is signed by the one before, in their order', () => {
    expect(walkRotations([first], [toSecond, toThird])).toEqual({
      inForce: [third],
      met: [first, second, third],
    });
    for (const out of [[toThird], [toThird, toSecond, toSecond], [toSecond, toSecond, toThird]]) {
      expect(walkRotations([first], out).inForce).not.toEqual([third]);
    }
  });

  it('lead nowhere where one character was changed', () => {
    fc.assert(
      fc.property(fc.nat(toSecond.length - 1), fc.constantFrom('A', 'z', '0', '\n', '=', '—'), (at, by) => {
        const changed = toSecond.slice(0, at) + by + toSecond.slice(at + 1);
        // A signature's last letter may differ in bits that base64 does not use: that is none either.
        if (changed !== toSecond) expect(verifyRotation(changed, [first])).toBeUndefined();
      }),
      { numRuns: 150 },
    );
  });

  it('are nothing where they are nonsense: neither notes, nor lists of them, nor what a receipt has beside it', () => {
    for (const one of wild) {
      expect(verifyRotation(one, [first])).toBeUndefined();
      expect(verifyRotation(toSecond, one as string[])).toBeUndefined();
      expect(walkRotations([first], [one, toSecond]).met).toEqual([first]);
      expect(Array.isArray(decodeRotations(one as Uint8Array))).toBe(true);
    }
    const texts = [
      '',
      '[',
      '['.repeat(1_000_000),
      '{"rotations":{"length":9}}',
      '{"__proto__":{"rotations":[1]}}',
    ];
    for (const text of [...texts, 'null', '{"rotations":null}', '\ud800']) {
      expect(decodeRotations(Buffer.from(text)), text.slice(0, 40)).toEqual([]);
    }
    const given = decodeRotations(encodeRotations([toSecond, toThird]));
    expect(walkRotations([first], given).inForce).toEqual([third]);
  });

  it('end soon, however many there are, and however many have signed', () => {
    const many = Array.from({ length: 1_000_000 }, () => toSecond);
    expect(walkRotations([first], many).met).toEqual([first, second]);
    const signature = toSecond.split('\n').find((line) => line.startsWith('— ')) ?? '';
    const crowded = `${toSecond}${`${signature}\n`.repeat(100_000)}`;
    expect(verifyRotation(crowded, [first])).toBeUndefined();
  });
});
