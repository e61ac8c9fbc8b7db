import type { DecisionEvent, Gate, GateEvents, StateEvent, WorkTypeOptions } from '@slackwater/middleware';
import { frame } from './frame.ts';
import type { Journal } from './journal.ts';
import { plainLine } from './plain.ts';
import type { DeferralScene, Event, PartitionScene, Scene, Tone, WorkTypeScene } from './scene.ts';
import type { Shown } from './show.ts';

/** One phase of the demo. */
export interface Phase {
  readonly name: string;
  readonly headline: string;
  readonly lengthMs: number;
}

/** What happens, gathered from what the gate tells; it is for looking at, the numbers at the end come from elsewhere. */
export interface Story extends Shown {
  /** A phase begins. */
  begin(phase: Phase): void;
  /** Something happened that the gate doesn't tell. */
  tell(text: string, tone?: Tone): void;
}

interface Told {
  readonly workType: string;
  readonly acceptedAt: number;
  stage: DeferralScene['stage'];
  postponements: number;
  changedAt: number;
  status: number | undefined;
}

type DeferralEvent = GateEvents['deferral'];

const settledStages: ReadonlySet<DeferralScene['stage']> = new Set(['performed', 'failed', 'canceled']);
const historyLength = 200;
const eventsKept = 50;
const deferralsShown = 12;

/** Listens to the gate from now on. */
export function tellStory(
  gate: Gate,
  workTypes: Readonly<Record<string, WorkTypeOptions>>,
  partitions: readonly string[],
  phases: readonly Phase[],
  journal: Journal,
): Story {
  const startedAt = Date.now();
  const begunAt = new Map<Phase, number>();
  const counts = new Map<string, { performed: number; retryLater: number; deferred: number }>();
  const states = new Map<string, WorkTypeScene['state']>();
  const deferrals = new Map<string, Told>();
  const histories = new Map<string, (number | undefined)[]>(partitions.map((name) => [name, []]));
  const events: Event[] = [];
  let headline = '';

  function tell(text: string, tone: Tone = 'plain'): void {
    const event: Event = { atMs: Date.now() - startedAt, tone, text };
    events.push(event);
    if (events.length > eventsKept) events.shift();
    story.onEvent(event);
  }

  function onDecision({ decision, workType, id }: DecisionEvent): void {
    const count = counts.get(workType) ?? { performed: 0, retryLater: 0, deferred: 0 };
    counts.set(workType, count);
    if (decision === 'perform') count.performed += 1;
    if (decision === 'retry-later') count.retryLater += 1;
    if (decision !== 'defer') return;
    count.deferred += 1;
    if (id !== undefined) told(id, workType);
  }

  function onState({ workType, partition, from, to, valueMs }: StateEvent): void {
    states.set(workType, to);
    const value = to !== 'over' || valueMs === undefined ? '' : ` at ${valueMs.toFixed(1)} ms`;
    tell(`${workType} on ${partition}: ${from} -> ${to}${value}`, stateTones[to]);
  }

  function told(id: string, workType: string): Told {
    const now = Date.now();
    const known = deferrals.get(id);
    if (known !== undefined) return known;
    const fresh: Told = {
      workType,
      acceptedAt: now,
      stage: 'queued',
      postponements: 0,
      changedAt: now,
      status: undefined,
    };
    deferrals.set(id, fresh);
    return fresh;
  }

  function onDeferral(event: DeferralEvent): void {
    if (event.type === 'trouble') {
      tell(`trouble ${event.doing}: ${String(event.error)}`, 'bad');
      return;
    }
    if (event.type === 'lease-lost' || event.type === 'promise-missed' || event.type === 'reversed') return;
    if (event.type === 'postponed-too-long') return;
    const deferral = told(event.id, event.workType);
    deferral.stage = event.type === 'redriven' ? 'queued' : event.type;
    deferral.changedAt = Date.now();
    if (event.type === 'postponed') deferral.postponements += 1;
    if (event.type === 'performed') deferral.status = event.status;
    if (event.type === 'failed' || event.type === 'parked') {
      tell(`${event.id} ${event.type}: ${event.error.message}`, 'bad');
    }
  }

  function partitionScene(name: string): PartitionScene {
    const { valueMs, samples } = gate.latency.read(name);
    return { name, valueMs, samples, history: histories.get(name) ?? [] };
  }

  function workTypeScene([name, options]: readonly [string, WorkTypeOptions]): WorkTypeScene {
    const { performed, retryLater, deferred } = counts.get(name) ?? none;
    const state = states.get(name) ?? 'clear';
    const rule = options.exempt === true ? 'exempt' : (options.whenOver ?? 'retry-later');
    const thresholdMs = typeof options.thresholdMs === 'number' ? options.thresholdMs : undefined;
    return { name, rule, thresholdMs, state, performed, retryLater, deferred };
  }

  function scene(): Scene {
    const now = Date.now();
    const all = [...deferrals];
    const settled = all.filter(([, { stage }]) => settledStages.has(stage)).length;
    return {
      elapsedMs: now - startedAt,
      headline,
      phases: phases.map((phase) => ({
        name: phase.name,
        weight: phase.lengthMs,
        share: Math.min(1, (now - (begunAt.get(phase) ?? now)) / phase.lengthMs),
      })),
      partitions: partitions.map(partitionScene),
      workTypes: Object.entries(workTypes).map(workTypeScene),
      deferrals: {
        backlog: all.length - settled,
        settled,
        latest: all
          .toSorted(
            ([, a], [, b]) =>
              Number(a.stage === 'queued') - Number(b.stage === 'queued') || b.changedAt - a.changedAt,
          )
          .slice(0, deferralsShown)
          .map(([id, deferral]) => deferralScene(id, deferral, now)),
      },
      calls: { sent: journal.entries.length, waiting: journal.waiting },
      events,
    };
  }

  gate.on('decision', onDecision);
  gate.on('state', onState);
  gate.on('deferral', onDeferral);
  gate.on('warning', ({ code, message }) => tell(`warning ${code}: ${message}`, 'careful'));
  gate.on('trouble', ({ doing, error }) => tell(`trouble ${doing}: ${String(error)}`, 'bad'));

  const story: Story = {
    onEvent: () => {},
    tell,
    begin(phase) {
      begunAt.set(phase, Date.now());
      headline = phase.headline;
      tell(phase.headline, 'strong');
    },
    sample() {
      for (const [name, history] of histories) {
        history.push(gate.latency.read(name).valueMs);
        if (history.length > historyLength) history.shift();
      }
    },
    frame: (size) => frame(scene(), size),
    line: () => plainLine(scene()),
  };
  return story;
}

const none = { performed: 0, retryLater: 0, deferred: 0 } as const;
const stateTones = { clear: 'good', over: 'bad', recovering: 'careful' } as const satisfies Record<
  string,
  Tone
>;

function deferralScene(id: string, deferral: Told, now: number): DeferralScene {
  const { workType, stage, postponements, acceptedAt, changedAt, status } = deferral;
  const end = settledStages.has(stage) ? changedAt : now;
  return { id, workType, stage, postponements, ageMs: end - acceptedAt, status };
}
