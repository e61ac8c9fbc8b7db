import type { Journal } from '@slackwater/example-shop/demo/journal';
import type { Event, Tone } from '@slackwater/example-shop/demo/scene';
import type { Shown } from '@slackwater/example-shop/demo/show';
import type { Phase } from '@slackwater/example-shop/demo/story';
import { workTypes } from '@slackwater/example-shop/shop';
import { frame } from './frame.ts';
import { type Head, headOf } from './heads.ts';
import { plainLine } from './plain.ts';
import type { Scene, ServerScene } from './scene.ts';
import type { Stage } from './stage.ts';

/** What happens, gathered for looking at; the numbers at the end come from elsewhere. */
export interface Story extends Shown {
  begin(phase: Phase): void;
  tell(text: string, tone?: Tone): void;
  /** From now on it shows these hosts and servers. */
  watch(stage: Stage): void;
}

const eventsKept = 50;
const order = Object.entries(workTypes)
  .toSorted(([, a], [, b]) => a.priority - b.priority)
  .map(([name]) => name);

/** A story in which nothing has happened yet. */
export function tellStory(phases: readonly Phase[], journal: Journal): Story {
  const startedAt = Date.now();
  const begunAt = new Map<Phase, number>();
  const events: Event[] = [];
  const heads = new Map<string, Head | undefined>();
  const asking = new Set<string>();
  let headline = '';
  let stage: Stage | undefined;

  async function askHead(host: Stage['hosts'][number]): Promise<void> {
    if (asking.has(host.name)) return;
    asking.add(host.name);
    try {
      heads.set(host.name, await headOf(host));
    } catch (error) {
      story.tell(`${host.name}: its checkpoint does not verify: ${String(error)}`, 'bad');
    } finally {
      asking.delete(host.name);
    }
  }

  function roleOf(name: string): ServerScene['role'] {
    if (stage?.servers.down.has(name) === true) return 'down';
    return stage?.servers.leader === name ? 'leader' : 'up';
  }

  function scene(): Scene {
    const now = Date.now();
    const open = journal.entries.filter(
      ({ status, failure }) => status === undefined && failure === undefined,
    );
    return {
      elapsedMs: now - startedAt,
      headline,
      phases: phases.map((phase) => ({
        name: phase.name,
        weight: phase.lengthMs,
        share: Math.min(1, (now - (begunAt.get(phase) ?? now)) / phase.lengthMs),
      })),
      hosts: (stage?.hosts ?? []).map(({ name, address, tally }) => ({
        name,
        isUp: address !== undefined,
        tally,
        head: address === undefined ? undefined : heads.get(name),
      })),
      servers: (stage?.nats ?? []).map(({ name }) => ({ name, role: roleOf(name) })),
      streams: stage?.servers.streams ?? [],
      workTypes: order,
      calls: {
        sent: journal.entries.length,
        waiting: open.length,
        deferred: open.filter(({ deferral }) => deferral !== undefined).length,
      },
      events,
    };
  }

  const story: Story = {
    onEvent: () => {},
    watch(opened) {
      stage = opened;
    },
    tell(text, tone = 'plain') {
      const event: Event = { atMs: Date.now() - startedAt, tone, text };
      events.push(event);
      if (events.length > eventsKept) events.shift();
      story.onEvent(event);
    },
    begin(phase) {
      begunAt.set(phase, Date.now());
      headline = phase.headline;
      story.tell(phase.headline, 'strong');
    },
    sample() {
      for (const host of stage?.hosts ?? []) void askHead(host);
    },
    frame: (size) => frame(scene(), size),
    line: () => plainLine(scene()),
  };
  return story;
}
