import { Buffer } from 'node:buffer';
import { type LedgerEntry, parseEntry } from '@slackwater/shared';
import type { EngineLog } from '../../engines/log.ts';
import type { Sendable } from './sendable.ts';
import type { WebhookNote } from './webhook-notes.ts';
import type { MonitorTarget } from './webhook-types.ts';

/** Whom to tell of a type of task; undefined where nobody is. */
export type MonitorOf = (task: string) => MonitorTarget | undefined;

/** Whether that entry is to be told to somebody. */
export function isMonitored({ failing }: LedgerEntry, monitorOf: MonitorOf): boolean {
  return failing !== undefined && monitorOf(failing.task) !== undefined;
}

/** What is sent of a type of task that fails too often: all that its entry says. Undefined where nobody is to be told any more. */
export async function failingMessage(
  log: Pick<EngineLog, 'read'>,
  monitorOf: MonitorOf,
  { id, position, at }: WebhookNote,
): Promise<Sendable | undefined> {
  const [bytes] = await log.read(position, 1);
  const { application, group, failing, ...entry } = parseEntry(bytes ?? new Uint8Array());
  const monitor = failing && monitorOf(failing.task);
  if (failing === undefined || monitor === undefined || entry.id !== id) return undefined;
  const { task, ...said } = failing;
  const data = { id, application, group, task, ...said };
  const message = { type: 'task.failing', timestamp: new Date(at).toISOString(), data };
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  return { url: { kind: 'url', url: monitor.url }, secret: monitor.secret, body, workType: '', task };
}
