import type { PerformerOptions } from '../perform/performer-options.ts';
import { OptionContradictionError } from './option-error.ts';
import { type Readers, readGroup } from './read-group.ts';
import { milliseconds, number, oneOf } from './read-values.ts';

/** Those of the performer, repeated because a room of its own may not be imported here; a test compares the two. */
const performDefaults: PerformerOptions = {
  maxAttempts: 10,
  leaseMs: 30_000,
  attemptTimeoutMs: 30_000,
  maxOutcomeBytes: 1024 * 1024,
  retryBaseMs: 1_000,
  retryCapMs: 300_000,
  maxConcurrency: 8,
  maxInFlight: 64,
  lookEveryMs: 1_000,
  lookCapMs: 30_000,
  routeMissingForMs: 600_000,
  whenExhausted: 'fail',
  holdPartsMs: 120_000,
  closeWithinMs: 10_000,
};

/** How the options under `perform` are read. */
export const performReaders: Readers<PerformerOptions> = {
  maxAttempts: number({ from: 1, to: 1_000, of: 'attempts' }),
  leaseMs: milliseconds(1_000, 3_600_000),
  attemptTimeoutMs: milliseconds(10, 3_600_000),
  // An outcome is kept in base64 within the 4 MiB that engines take as one value.
  maxOutcomeBytes: number({ from: 0, to: 2 * 1024 * 1024, of: 'bytes' }),
  retryBaseMs: milliseconds(1, 3_600_000),
  retryCapMs: milliseconds(1, 86_400_000),
  maxConcurrency: number({ from: 1, to: 1_000, of: 'deferrals' }),
  maxInFlight: number({ from: 1, to: 10_000, of: 'deferrals' }),
  lookEveryMs: milliseconds(10, 60_000),
  lookCapMs: milliseconds(10, 3_600_000),
  routeMissingForMs: milliseconds(0, 86_400_000),
  whenExhausted: oneOf(['fail', 'park']),
  holdPartsMs: milliseconds(100, 86_400_000),
  closeWithinMs: milliseconds(0, 600_000),
};

/** The options under `perform`, whole. Throws `option-invalid` and `option-unknown`. */
export function checkPerform(value: unknown): PerformerOptions {
  const advice = 'give an object, { maxAttempts: 10 }';
  const given =
    value === undefined ? {} : readGroup<PerformerOptions>(value, 'perform', performReaders, { advice });
  const whole = { ...performDefaults, ...given };
  checkCap('retryCapMs', whole.retryCapMs, 'retryBaseMs', whole.retryBaseMs);
  checkCap('lookCapMs', whole.lookCapMs, 'lookEveryMs', whole.lookEveryMs);
  return whole;
}

function checkCap(cap: string, most: number, base: string, least: number): void {
  if (most >= least) return;
  throw new OptionContradictionError(
    `perform.${cap}`,
    `${most} is less than the ${least} of perform.${base}; give both, ${cap} at least ${base}`,
  );
}
