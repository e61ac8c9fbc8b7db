import { type LedgerEntry, parseEntry } from '@slackwater/shared';
import type { OpenEngine } from '../../engines/engine.ts';
import type { Example } from '../../scorers/train-logistic.ts';

/** What the history of a ledger teaches. */
export interface History {
  readonly examples: readonly Example[];
  /** Deferrals that teach nothing yet: nobody has tried them, or they were canceled. */
  readonly unfinished: number;
  /** Entries that were read. */
  readonly entries: number;
}

/** The newest deferrals count; older ones are forgotten, so that memory is bounded. */
const mostDeferrals = 200_000;

interface Known {
  readonly accepted: LedgerEntry;
  label: boolean | undefined;
}

/**
 * Reads the log from its beginning and makes an example of each deferral whose first attempt has begun. It is labelled true where it
 * had to wait: where the first attempt began more than `waitedMs` after the acceptance, or failed and was to be repeated.
 */
export async function readHistory(
  { log }: Pick<OpenEngine, 'log'>,
  waitedMs: number,
  report: (done: number, of: number) => void,
): Promise<History> {
  const known = new Map<string, Known>();
  const size = await log.size();
  let at = 0;
  while (at < size) {
    const entries = await log.read(at, Math.min(1_000, size - at));
    if (entries.length === 0) break;
    for (const bytes of entries) take(known, parseEntry(bytes), waitedMs);
    at += entries.length;
    report(at, size);
  }
  const examples = [...known.values()].flatMap(({ accepted, label }) =>
    label === undefined ? [] : [{ facts: factsOf(accepted), label }],
  );
  return { examples, unfinished: known.size - examples.length, entries: at };
}

function take(known: Map<string, Known>, entry: LedgerEntry, waitedMs: number): void {
  const { type, id } = entry;
  if (type === 'accepted') {
    // Of two acceptances of one deferral the first counts.
    if (known.has(id)) return;
    const [oldest] = known.size < mostDeferrals ? [] : known.keys();
    if (oldest !== undefined) known.delete(oldest);
    known.set(id, { accepted: entry, label: undefined });
    return;
  }
  const deferral = known.get(id);
  if (deferral === undefined) return;
  if (type === 'performing' && deferral.label === undefined) {
    deferral.label = Date.parse(entry.at) - Date.parse(deferral.accepted.at) > waitedMs;
  }
  // An attempt that is to be repeated met trouble; one that is final was refused, whenever it came.
  if (type === 'failed' && entry.retryAt !== undefined) deferral.label = true;
}

/** The facts as a scorer would have been told them; what the entry does not have nobody learns from. */
export function factsOf({ method, route, workType, partition, at, because }: LedgerEntry): Example['facts'] {
  const date = new Date(at);
  const metrics = Object.entries(because?.metrics ?? {}).map(([name, { value }]) => [name, value] as const);
  return {
    method,
    route,
    workType,
    partition,
    requesterClass: because?.requesterClass ?? '',
    hour: date.getUTCHours(),
    weekday: date.getUTCDay(),
    metrics: Object.fromEntries(metrics),
  };
}
