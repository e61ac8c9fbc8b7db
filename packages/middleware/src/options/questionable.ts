import type { GateWarning } from './gate-events.ts';
import type { ResolvedOptions, WorkTypePolicy } from './resolved.ts';

/** What is to be warned of. */
type Questionable = Pick<GateWarning, 'code' | 'message'>;

/** Set-ups that are legal and probably not meant; one warning for each code that applies, at most. */
export function questionable(options: ResolvedOptions): readonly Questionable[] {
  return [...thresholdOrder(options.workTypes), ...auditWithoutAuth(options)];
}

/**
 * Of two work types, where the less important one is let through at a latency at which the more important one is
 * postponed. Exempt work tolerates any latency.
 */
function thresholdOrder(workTypes: readonly WorkTypePolicy[]): readonly Questionable[] {
  for (const lesser of workTypes) {
    const greater = workTypes.find(
      ({ priority, thresholdMs }) =>
        priority < lesser.priority && tolerated(thresholdMs) < tolerated(lesser.thresholdMs),
    );
    if (greater === undefined) continue;
    const message = `${told(lesser)} is less important than ${told(greater)} and tolerates more latency: in between it goes on while the other is postponed.`;
    return [{ code: 'threshold-order', message }];
  }
  return [];
}

function tolerated(thresholdMs: number | undefined): number {
  return thresholdMs ?? Number.POSITIVE_INFINITY;
}

function told({ name, priority, thresholdMs }: WorkTypePolicy): string {
  return `${name} (priority ${priority}, ${thresholdMs === undefined ? 'exempt' : `${thresholdMs} ms`})`;
}

/** Nobody can show a token where tokens are not verified, so what is not public is for nobody. */
function auditWithoutAuth({ ledger, auth }: ResolvedOptions): readonly Questionable[] {
  if (ledger.public || auth !== undefined) return [];
  const message =
    'ledger.public is false and there is no auth: nobody can read checkpoint and blocks. Give auth, or let them be public.';
  return [{ code: 'audit-without-auth', message }];
}
