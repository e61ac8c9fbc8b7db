import type { CommitSource } from '../drivers/driver.ts';
import type { Engine } from '../engines/engine.ts';

/**
 * What is said where the engine lives on the very server whose commits are observed: what makes them slow makes it
 * slow, too, when it is needed. Undefined where that is not so, or nobody can tell.
 */
export function sharedServerMessage(
  engine: Engine | undefined,
  sources: Iterable<CommitSource>,
): string | undefined {
  if (engine?.server === undefined) return undefined;
  const shared = [...sources].find(({ server }) => server === engine.server);
  if (shared === undefined) return undefined;
  return (
    `The engine lives on ${engine.server}, and so does partition ${JSON.stringify(shared.partition)}, whose commits are observed: ` +
    'what makes that server slow makes deferring slow, too, at the very time it is for. Give the engine a server of its own.'
  );
}
