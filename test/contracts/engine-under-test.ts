import type { Clock } from '../../packages/middleware/src/clock.ts';
import type { Engine, OpenEngine } from '../../packages/middleware/src/engines/engine.ts';
import { createKeyFile } from '../../packages/middleware/src/ledger/keys.ts';

/** What the contract suite needs of an engine: an empty place of its own, and a say over time. */
export interface EngineUnderTest {
  /** A new engine value on the same data each time: what another process of the application would make. */
  makeEngine(): Engine;
  readonly clock: Clock;
  /** Lets at least `ms` pass, as the engine sees time. An engine that goes by its server's time waits. */
  pass(ms: number): Promise<void>;
  /** Lets go of everything and removes the data. */
  dispose(): Promise<void>;
}

/** Makes an {@link EngineUnderTest}; called once for each test. */
export type MakeEngineUnderTest = () => Promise<EngineUnderTest>;

/** Runs a test's body on an engine that is opened for it and closed after it. */
export type WithEngine = (
  body: (engine: OpenEngine, under: EngineUnderTest) => Promise<void>,
) => () => Promise<void>;

/** The scope that the suite opens where no other is at issue. */
export const scope = { application: 'shop', group: 'main' };

/** Gives the key file of each group, the same whenever it is asked: what every host of a test is given. */
export function keysByGroup(): (group: string) => Uint8Array {
  const made = new Map<string, Uint8Array>();
  return (group) => {
    const keys = made.get(group) ?? createKeyFile({ application: scope.application, group });
    made.set(group, keys);
    return keys;
  };
}

/** What a test is about was over before the machine got there: it has shown nothing, and is to be begun anew. */
class TooLate extends Error {}

const mostBeginnings = 10;

/**
 * For what holds for `ms` from now on only: whoever finds it otherwise after that was too late. An engine that goes by its
 * server's time does not wait for a machine that is busy.
 */
export function within({ clock }: EngineUnderTest, ms: number): (look: () => Promise<void>) => Promise<void> {
  const end = clock.now() + ms;
  return async (look) => {
    try {
      await look();
    } catch (error) {
      throw clock.now() < end ? error : new TooLate('the machine was too busy', { cause: error });
    }
  };
}

/** How the suites open engines: everything that a test opens is closed after it, whatever happened. */
export function withEngineOf(make: MakeEngineUnderTest): WithEngine {
  return (body) => async () => {
    for (let begun = 1; ; begun += 1) {
      try {
        return await once(make, body);
      } catch (error) {
        if (!(error instanceof TooLate) || begun === mostBeginnings) throw error;
      }
    }
  };
}

async function once(make: MakeEngineUnderTest, body: Parameters<WithEngine>[0]): Promise<void> {
  const under = await make();
  try {
    const engine = await under.makeEngine().open({ ...scope, clock: under.clock });
    try {
      await body(engine, under);
    } finally {
      await engine.close();
    }
  } finally {
    await under.dispose();
  }
}

/** Opens the same scope once more, as another process would, for the time of `body`. */
export async function withSecond(
  under: EngineUnderTest,
  body: (second: OpenEngine) => Promise<void>,
  of: { application: string; group: string } = scope,
): Promise<void> {
  const second = await under.makeEngine().open({ ...of, clock: under.clock });
  try {
    await body(second);
  } finally {
    await second.close();
  }
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export const texts = (blobs: readonly Uint8Array[]): string[] =>
  blobs.map((blob) => new TextDecoder().decode(blob));
