const atOnce = 64;

/** Does the work for every item, some of them at a time, and ends at the first that fails. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < items.length; at += atOnce) {
    const ended = await Promise.allSettled(items.slice(at, at + atOnce).map(work));
    // Nothing is left under way when the failure is told: who closes an engine then closes it.
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  }
}
