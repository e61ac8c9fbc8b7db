import type { LedgerEntry } from '@slackwater/shared';
import { entryOf } from './ledger-maker.ts';

const { payload: _, ...plain } = entryOf(0);

/** What the hosts share, as the ledger and the database have it. */
interface Place {
  readonly log: LedgerEntry[];
  /** A cache of the log, written by compare-and-set, that may be behind. */
  state: { readonly attempts: number; readonly open: boolean; readonly isSettled: boolean };
  /** Whether a completion row or a tombstone is there. */
  row: 'none' | 'done' | 'tombstone';
}

/**
 * The entries of one deferral as hosts leave them that keep to the rules and have no luck: any of them may stop between two of
 * its steps, for as long as the others take, or for good, and its lease then expires. A step ends where one of these says `yield`.
 */
export function honestHistory(choices: Iterable<number>, hosts: number): readonly LedgerEntry[] {
  const draw = choices[Symbol.iterator]();
  const pick = (below: number): number => (draw.next().value as number) % below;
  const place: Place = {
    log: [entryOf(0)],
    state: { attempts: 0, open: false, isSettled: false },
    row: 'none',
  };
  const begin = (): Generator<undefined> => (pick(6) === 0 ? cancel(place) : attempt(place, pick));
  const running = Array.from({ length: hosts }, begin);
  for (let step = 0; step < 60; step++) {
    const host = pick(hosts);
    const cutOff = pick(12) === 0;
    if (cutOff || running[host]?.next().done === true) running[host] = begin();
  }
  return place.log;
}

function* attempt(place: Place, pick: (below: number) => number): Generator<undefined> {
  const seen = place.state;
  // Where an attempt was left open the log may know how it ended.
  if (seen.isSettled || (seen.open && place.log.some(isEnd))) return;
  if (place.row === 'done')
    return yield* record(place, { type: 'performed', attempt: seen.attempts, outcomeKnown: false });
  if (pick(4) === 0)
    return yield* record(place, { type: 'postponed', attempt: seen.attempts, postponements: 1 });
  yield;
  if (place.state !== seen) return;
  const number = seen.attempts + 1;
  place.state = { attempts: number, open: true, isSettled: false };
  yield;
  place.log.push(entry({ type: 'performing', attempt: number }));
  yield;
  const committed = pick(3) > 0 && place.row === 'none';
  if (committed) place.row = 'done';
  yield;
  if (committed)
    return yield* record(place, { type: 'performed', attempt: number, status: 201, outcomeKnown: true });
  if (place.row === 'done')
    return yield* record(place, { type: 'performed', attempt: number, outcomeKnown: false });
  if (pick(2) === 0) return yield* record(place, { ...failure, attempt: number, retryAt: plain.at });
  if (place.row === 'none') place.row = 'tombstone';
  yield;
  return yield* record(place, { ...failure, attempt: number });
}

function* cancel(place: Place): Generator<undefined> {
  const seen = place.state;
  if (seen.open || seen.isSettled || place.row === 'done') return;
  place.row = 'tombstone';
  yield;
  if (place.state !== seen) return;
  // Nobody begins any more, and whoever comes by finishes it.
  place.state = { ...seen, isSettled: true };
  place.log.push(entry({ type: 'canceled', error: 'canceled-by-requester' }));
}

const failure = { type: 'failed', error: 'route-failed' } as const;

function* record(place: Place, said: Partial<LedgerEntry>): Generator<undefined> {
  // Who looks finds it open, and may yet be overtaken before it is said.
  if (place.state.isSettled) return;
  yield;
  place.log.push(entry(said));
  yield;
  const isOver = isEnd(entry(said));
  const { attempts, isSettled } = place.state;
  place.state = {
    attempts,
    open: !isOver && place.state.open && said.attempt !== attempts,
    isSettled: isSettled || isOver,
  };
}

function isEnd({ type, retryAt }: LedgerEntry): boolean {
  return type === 'performed' || type === 'canceled' || (type === 'failed' && retryAt === undefined);
}

function entry({ attempt = 0, ...said }: Partial<LedgerEntry>): LedgerEntry {
  return { ...plain, ...said, ...(attempt > 0 && { attempt }) };
}
