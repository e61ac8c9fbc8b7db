import type { RunnerParts } from './runner-parts.ts';

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
