import type { Gate } from '@slackwater/middleware';
import type { FromHost, Tally, WorkTypeTally } from './host-messages.ts';

type Event = Extract<FromHost, { type: 'event' }>;

const none: WorkTypeTally = { state: 'clear', performed: 0, retryLater: 0, deferred: 0 };
const counters = { perform: 'performed', 'retry-later': 'retryLater', defer: 'deferred' } as const;
const stateTones = { clear: 'good', over: 'bad', recovering: 'careful' } as const;

/**
 * Counts what a gate tells from now on, for looking at; `onEvent` hears of what is worth a line. Trouble of one kind is told
 * once until there was none of it for five seconds.
 */
export function keepTally(gate: Gate, partition: string, onEvent: (event: Event) => void): () => Tally {
  const workTypes = new Map<string, WorkTypeTally>();
  const toldAt = new Map<string, number>();
  let settled = 0;

  function change(name: string, by: (tally: WorkTypeTally) => Partial<WorkTypeTally>): void {
    const tally = workTypes.get(name) ?? none;
    workTypes.set(name, { ...tally, ...by(tally) });
  }

  function trouble(doing: string, error: unknown): void {
    const now = Date.now();
    const isNew = now - (toldAt.get(doing) ?? 0) > 5_000;
    toldAt.set(doing, now);
    if (!isNew) return;
    const reason = error instanceof Error ? error.message : String(error);
    onEvent({ type: 'event', tone: 'careful', text: `trouble ${doing}: ${reason}` });
  }

  gate.on('decision', ({ decision, workType }) => {
    const counter = counters[decision];
    change(workType, (tally) => ({ [counter]: tally[counter] + 1 }));
  });
  gate.on('state', ({ workType, from, to, valueMs }) => {
    change(workType, () => ({ state: to }));
    const value = to !== 'over' || valueMs === undefined ? '' : ` at ${Math.round(valueMs)} ms`;
    onEvent({ type: 'event', tone: stateTones[to], text: `${workType}: ${from} -> ${to}${value}` });
  });
  gate.on('deferral', (event) => {
    if (event.type === 'performed') settled += 1;
    if (event.type === 'trouble') trouble(event.doing, event.error);
    if (event.type === 'failed' || event.type === 'parked') {
      onEvent({ type: 'event', tone: 'bad', text: `${event.id} ${event.type}: ${event.error.message}` });
    }
  });
  gate.on('warning', ({ code, message }) =>
    onEvent({ type: 'event', tone: 'careful', text: `warning ${code}: ${message}` }),
  );
  gate.on('trouble', ({ doing, error }) => trouble(doing, error));

  return () => ({
    latencyMs: gate.latency.read(partition).valueMs,
    workTypes: Object.fromEntries(workTypes),
    settled,
  });
}
