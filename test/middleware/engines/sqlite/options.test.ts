import { describe, expect, it } from 'vitest';
import { sqliteEngine } from '../../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';

/** Options as a caller without types may give them. */
const withOptions = (options: object) => () => Reflect.apply(sqliteEngine, undefined, [options]);

describe('options of sqliteEngine', () => {
  it('opens nothing and makes nothing until it is opened', () => {
    expect(sqliteEngine({ directory: '/proc/nowhere' })).toMatchObject({ name: 'sqlite', durable: 'fsync' });
  });

  it.each([
    { options: {}, code: 'option-missing', says: /directory/ },
    { options: { directory: 7 }, code: 'option-invalid', says: /directory: 7/ },
    { options: { directory: '' }, code: 'option-invalid', says: /directory: ""/ },
    {
      options: { directory: 'd', maxBytes: '1' },
      code: 'option-invalid',
      says: /maxBytes: "1".*number of bytes/,
    },
    { options: { directory: 'd', maxBytes: 4_096 }, code: 'option-invalid', says: /at least 1048576/ },
    { options: { directory: 'd', maxBytes: Number.NaN }, code: 'option-invalid', says: /maxBytes: NaN/ },
    { options: { directory: 'd', file: 'x' }, code: 'option-unknown', says: /file/ },
  ])('refuses $options with $code', ({ options, code, says }) => {
    expect(withOptions(options)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(says) }),
    );
  });
});
