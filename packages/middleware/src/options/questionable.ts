import type { GateWarning } from './gate-events.ts';
import type { Threshold } from './read-threshold.ts';
import type { ResolvedOptions, WorkTypePolicy } from './resolved.ts';

/** What is to be warned of. */
type Questionable = Pick<GateWarning, 'code' | 'message'>;

/** Set-ups that are legal and probably not meant; one warning for each code that applies, at most. */
export function questionable(options: ResolvedOptions): readonly Questionable[] {
  return [
    ...thresholdOrder(options.workTypes, options.autoThreshold.ceilingMs),
    ...shadowOrder(options.workTypes),
    ...auditWithoutAuth(options),
  ];
}

/**
 * Of two work types, where the less important one is let through at a latency at which the more important one is
 * postponed. Exempt work tolerates any latency.
 */
export function thresholdOrder(
  workTypes: readonly WorkTypePolicy[],
  ceilingMs: number,
): readonly Questionable[] {
  for (const lesser of workTypes) {
    const greater = workTypes.find(
      (other) => other.priority < lesser.priority && toleratesLess(other, lesser, ceilingMs),
    );
    if (greater === undefined) continue;
    const message = `${told(lesser)} is less important than ${told(greater)} and tolerates more latency: in between it goes on while the other is postponed.`;
    return [{ code: 'threshold-order', message }];
  }
  return [];
}

/** Of two work types, where the less important one is let through by shadow mode while the more important one is postponed. */
export function shadowOrder(workTypes: readonly WorkTypePolicy[]): readonly Questionable[] {
  for (const lesser of workTypes) {
    const greater = workTypes.find(
      ({ priority, exempt, shadow }) => priority < lesser.priority && !exempt && !shadow,
    );
    if (!lesser.shadow || greater === undefined) continue;
    const message = `${lesser.name} is in shadow mode and less important than ${greater.name}, which is not: it is let through while the other is postponed.`;
    return [{ code: 'shadow-order', message }];
  }
  return [];
}

/** Less important work that is `auto` tolerates no more than anything before it. */
function toleratesLess(greater: WorkTypePolicy, lesser: WorkTypePolicy, ceilingMs: number): boolean {
  const most = (thresholdMs: Threshold | undefined): number =>
    thresholdMs === 'auto' ? ceilingMs : (thresholdMs ?? Number.POSITIVE_INFINITY);
  return lesser.thresholdMs !== 'auto' && most(greater.thresholdMs) < most(lesser.thresholdMs);
}

function told({ name, priority, thresholdMs }: WorkTypePolicy): string {
  return `${name} (priority ${priority}, ${saidOf(thresholdMs)})`;
}

function saidOf(thresholdMs: Threshold | undefined): string {
  if (thresholdMs === undefined) return 'exempt';
  return thresholdMs === 'auto' ? 'auto, at most autoThreshold.ceilingMs' : `${thresholdMs} ms`;
}

/** Nobody can show a token where tokens are not verified, so what is not public is for nobody. */
function auditWithoutAuth({ ledger, auth }: ResolvedOptions): readonly Questionable[] {
  if (ledger.public || auth !== undefined) return [];
  const message =
    'ledger.public is false and there is no auth: nobody can read checkpoint and blocks. Give auth, or let them be public.';
  return [{ code: 'audit-without-auth', message }];
}
