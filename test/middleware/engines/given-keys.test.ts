import { describe, expect, it } from 'vitest';
import { type GivenKeys, givenKeys } from '../../../packages/middleware/src/engines/given-keys.ts';
import { createKeyFile, parseKeyFile } from '../../../packages/middleware/src/ledger/keys.ts';

const text = '{"v":1}';
const bytes = new TextEncoder().encode(text);

describe('keys that an engine is given', () => {
  it('are the bytes, whether given as text, as bytes, or by a function of the group', async () => {
    const ways: GivenKeys[] = [text, bytes, Buffer.from(text), () => text, async () => bytes];
    for (const keys of ways) expect(await givenKeys(keys, 'someEngine')('main')).toEqual(bytes);
    const byGroup = givenKeys((group) => `{"group":"${group}"}`, 'someEngine');
    expect(new TextDecoder().decode(await byGroup('east'))).toBe('{"group":"east"}');
  });

  it('are what createKeyFile makes', async () => {
    const made = createKeyFile({ application: 'shop', group: 'main' });
    const given = await givenKeys(Buffer.from(made).toString('utf8'), 'someEngine')('main');
    expect(parseKeyFile(given).fingerprint).toBe(parseKeyFile(made).fingerprint);
  });

  it('stay what they were, whatever is done to the bytes afterwards', async () => {
    const mine = Uint8Array.from(bytes);
    const read = givenKeys(mine, 'someEngine');
    mine.fill(0);
    (await read('main')).fill(0);
    expect(await read('main')).toEqual(bytes);
  });

  it('must be given, and the refusal says how to make them', () => {
    expect(() => givenKeys(undefined as unknown as GivenKeys, 'someEngine')).toThrow(
      expect.objectContaining({
        code: 'option-missing',
        message: expect.stringMatching(/someEngine wants keys.*createKeyFile/),
      }),
    );
  });

  it('are refused where they are plainly no key file, without a byte of them in the message', () => {
    const bad: unknown[] = ['', 'keys.json', '-----BEGIN SECRET', new Uint8Array(0), 12, null, { v: 1 }];
    for (const keys of [...bad, ' '.repeat(1024 * 1024 + 1)]) {
      let message = '';
      try {
        givenKeys(keys as GivenKeys, 'someEngine');
      } catch (error) {
        expect(error).toMatchObject({ code: 'option-invalid' });
        message = String(error);
      }
      expect(message).toMatch(/keys: /);
      expect(message).not.toMatch(/BEGIN|12/);
    }
  });

  it('reject as unreadable where the function fails or gives none, and show nothing that it threw', async () => {
    const failing = givenKeys(() => Promise.reject(new Error('token=hunter2')), 'someEngine');
    const error = await failing('east').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'key-file-unreadable', message: expect.stringContaining('"east"') });
    expect(String(error)).not.toContain('hunter2');
    for (const gives of [undefined, '', 'hunter2', 7]) {
      const read = givenKeys((() => gives) as GivenKeys, 'someEngine');
      await expect(read('east')).rejects.toMatchObject({ code: 'key-file-unreadable' });
    }
  });
});
