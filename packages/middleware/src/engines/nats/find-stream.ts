import type { StreamInfo } from '@nats-io/jetstream';
import type { Clock } from '../../clock.ts';
import { EngineError } from '../engine-error.ts';
import type { Api } from './api.ts';
import { failureOf, isNoStream, isUnanswered } from './failures.ts';

/** Finds a stream that can be asked; undefined where there is none of that name. */
export type FindStream = (name: string) => Promise<StreamInfo | undefined>;

const pauseMs = 50;
/** One election takes less, as a rule; a second one, where nobody won, begins after up to nine seconds. */
const leaderWithinMs = 15_000;

/**
 * Looks for streams in a cluster whose hosts may all start at once. A stream that another host makes at this moment has no
 * leader yet, and what is asked of one without a leader is not answered, so its leader is awaited.
 */
export function findStreams({ questions }: Api, clock: Clock): FindStream {
  async function ask(name: string): Promise<StreamInfo | 'none' | 'not yet'> {
    try {
      const info = await questions.streams.info(name);
      const isLed = info.cluster === undefined || (info.cluster.leader ?? '') !== '';
      return isLed ? info : 'not yet';
    } catch (error) {
      if (isNoStream(error)) return 'none';
      if (isUnanswered(error)) return 'not yet';
      throw failureOf(error, `Looking for the stream ${name}`, false);
    }
  }

  return async (name) => {
    const giveUpAt = clock.now() + leaderWithinMs;
    for (;;) {
      const found = await ask(name);
      if (found === 'none') return undefined;
      if (found !== 'not yet') return found;
      if (clock.now() >= giveUpAt) throw leaderless(name);
      await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
    }
  };
}

function leaderless(name: string): EngineError {
  return new EngineError(
    'engine-unavailable',
    'none',
    `No NATS server leads the stream ${name}; see that a majority of its servers run and reach each other.`,
  );
}
