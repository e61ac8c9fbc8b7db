import { type LedgerOptions, ledgerDefaults } from './ledger-options.ts';
import { OptionInvalidError } from './option-error.ts';
import { type Read, type Readers, readGroup } from './read-group.ts';
import { flag, milliseconds, number } from './read-values.ts';
import type { ResolvedLedger } from './resolved.ts';

const yearMs = 365 * 86_400_000;

/** What C2SP allows as the name of a key, which an origin is too. */
const readOrigin: Read<string> = (value, option) => {
  if (typeof value !== 'string' || value.length > 255 || !/^[^\s+\p{Cc}]+$/u.test(value)) {
    throw new OptionInvalidError(
      option,
      value,
      'give 1 to 255 characters without blanks and plus signs, such as shop.example/ledger',
    );
  }
  return value;
};

const readDirectory: Read<string> = (value, option) => {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) {
    throw new OptionInvalidError(option, value, "give the path of a directory, such as '.slackwater'");
  }
  return value;
};

const mostParameters = 1_000;
const parameterPattern =
  /^(?:path|body|body (?:\/(?:[^~]|~[01])*)|header [!#$%&'*+.^_`|~0-9a-z-]+|query .+)$/su;

/** Names of parameters, as docs/keys.md has them. */
const readEncrypt: Read<'all' | readonly string[]> = (value, option) => {
  if (value === 'all') return value;
  const advice =
    "give 'all' or a list of up to 1,000 parameters such as 'body /card/number', 'header x-tenant', 'query voucher', 'path' or 'body'";
  if (!Array.isArray(value) || value.length > mostParameters)
    throw new OptionInvalidError(option, value, advice);
  return value.map((name: unknown, i) => {
    if (typeof name === 'string' && name.length <= 1_000 && parameterPattern.test(name)) return name;
    throw new OptionInvalidError(`${option}[${i}]`, name, `${advice}; names of headers are lower case`);
  });
};

/** How the options under `ledger` are read. */
export const ledgerReaders: Readers<LedgerOptions> = {
  public: flag,
  origin: readOrigin,
  keepOutcomeMs: milliseconds(1_000, 10 * yearMs),
  maxQueued: number({ from: 1, to: 100_000_000, of: 'deferrals' }),
  engineTimeoutMs: milliseconds(10, 60_000),
  indexDirectory: readDirectory,
  encrypt: readEncrypt,
};

/** The options under `ledger`, whole. Throws `option-invalid` and `option-unknown`. */
export function checkLedger(value: unknown): ResolvedLedger {
  const whole = { ...ledgerDefaults, origin: undefined, indexDirectory: undefined };
  if (value === undefined) return whole;
  const advice = 'give an object, { keepOutcomeMs: 86_400_000 }';
  return { ...whole, ...readGroup<LedgerOptions>(value, 'ledger', ledgerReaders, { advice }) };
}
