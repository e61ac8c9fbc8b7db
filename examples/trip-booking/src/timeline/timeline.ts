import type { LedgerEntry } from '@slackwater/shared';

/** One attempt at a task, or at giving it back. Times are ms since the trip began. */
export interface Bar {
  readonly way: 'forward' | 'back';
  readonly from: number;
  /** Where nobody knows when it ended: when another process went on, or the last that is known. */
  readonly to: number;
  readonly ended: 'well' | 'badly' | 'unknown';
}

/** All that happened to one task. */
export interface Row {
  readonly task: string;
  /** From 1. */
  readonly stage: number;
  readonly bars: readonly Bar[];
}

/** A trip as its chain in the ledger tells it. */
export interface Timeline {
  readonly id: string;
  readonly result: 'succeeded' | 'undone' | 'under way';
  readonly rows: readonly Row[];
  /** When another process went on with it. */
  readonly taken: readonly number[];
  readonly lengthMs: number;
}

/** Makes a timeline of the entries of one run, in their order. */
export function timelineOf(entries: readonly LedgerEntry[]): Timeline {
  const [first] = entries;
  const beganAt = first === undefined ? 0 : Date.parse(first.at);
  const rows = new Map<string, { readonly stage: number; readonly bars: Bar[] }>();
  const open = new Map<string, Omit<Bar, 'to' | 'ended'>>();
  const taken: number[] = [];
  let result: Timeline['result'] = 'under way';
  let at = 0;

  const close = (task: string, ended: Bar['ended']): void => {
    const begun = open.get(task);
    open.delete(task);
    if (begun !== undefined) rows.get(task)?.bars.push({ ...begun, to: at, ended });
  };

  for (const { type, step, at: time } of entries) {
    at = Date.parse(time) - beganAt;
    const { block, task = '', end } = step ?? {};
    for (const { id } of block?.tasks ?? []) rows.set(id, { stage: (block?.stage ?? 0) + 1, bars: [] });
    if (type === 'task-begun' || type === 'undo-begun') {
      open.set(task, { way: type === 'task-begun' ? 'forward' : 'back', from: at });
    } else if (type === 'task-ended' || type === 'undo-ended') {
      close(task, end === 'succeeded' ? 'well' : 'badly');
    } else if (type === 'operation-taken') {
      for (const one of [...open.keys()]) close(one, 'unknown');
      taken.push(at);
    } else if (type === 'operation-settled') {
      result = step?.result ?? 'under way';
    }
  }
  for (const one of [...open.keys()]) close(one, 'unknown');
  return {
    id: first?.id ?? '',
    result,
    rows: [...rows].map(([task, row]) => ({ task, ...row })),
    taken,
    lengthMs: at,
  };
}
