import type { RunnerParts } from './runner-parts.ts';
import type { LiveRun } from './stored-runs.ts';

/** Forgets what was settled long enough ago. */
export async function forgetOldRuns({
  stored,
  ground,
  keepMs,
}: Pick<RunnerParts, 'stored' | 'ground' | 'keepMs'>): Promise<void> {
  const now = ground.clock.wallNow();
  for (const { id, settledAt, key } of await stored.oldestDone()) {
    if (settledAt + keepMs > now) continue;
    await ground.records.forget(id, key);
    await stored.forgetDone(id);
  }
}

/** Forgets a run that was never planned. */
export async function dropRun(
  { stored, ground }: Pick<RunnerParts, 'stored' | 'ground'>,
  { id, key }: LiveRun,
): Promise<void> {
  await ground.records.forget(id, key);
  await stored.drop(id);
}
