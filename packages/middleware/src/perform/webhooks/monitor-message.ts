import { Buffer } from 'node:buffer';
import { type LedgerEntry, parseEntry } from '@slackwater/shared';
import type { EngineLog } from '../../engines/log.ts';
import type { Sendable } from './sendable.ts';
import type { WebhookNote } from './webhook-notes.ts';
import type { MonitorTarget } from './webhook-types.ts';

/** Whom to tell of a type of task; undefined where nobody is. */
export type MonitorOf = (task: string) => MonitorTarget | undefined;

/** Whether that entry is to be told to somebody. */
export function isMonitored(entry: LedgerEntry, monitorOf: MonitorOf): boolean {
  return tasksIn(entry).some((task) => monitorOf(task) !== undefined);
}

/**
 * What is sent of a type of task that fails too often, or of tasks that can't be undone: what its entry says, to the monitor of the first task that
 * has one. Undefined where nobody is to be told any more.
 */
export async function monitorMessage(
  log: Pick<EngineLog, 'read'>,
  monitorOf: MonitorOf,
  { id, position, at }: WebhookNote,
): Promise<Sendable | undefined> {
  const [bytes] = await log.read(position, 1);
  const entry = parseEntry(bytes ?? new Uint8Array());
  const task = tasksIn(entry).find((one) => monitorOf(one) !== undefined);
  const monitor = task === undefined ? undefined : monitorOf(task);
  if (task === undefined || monitor === undefined || entry.id !== id) return undefined;
  const { application, group, failing, step, workType } = entry;
  const data =
    failing === undefined
      ? { id, application, group, tasks: step?.failed, error: step?.error, position }
      : { id, application, group, ...failing };
  const type = failing === undefined ? 'task.undo-failed' : 'task.failing';
  const body = Buffer.from(JSON.stringify({ type, timestamp: new Date(at).toISOString(), data }), 'utf8');
  return { url: { kind: 'url', url: monitor.url }, secret: monitor.secret, body, workType, task };
}

/** The tasks that an entry tells monitors of. */
function tasksIn({ type, failing, step }: LedgerEntry): readonly string[] {
  if (failing !== undefined) return [failing.task];
  return type === 'operation-parked' ? (step?.failed ?? []) : [];
}
