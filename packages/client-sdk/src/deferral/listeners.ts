import type { DeferralResource } from '@slackwater/shared';

/** Told of a deferral. */
export type ProgressListener = (resource: DeferralResource) => void;

/** Those who want to know of each change of a deferral. */
export class Listeners {
  /** Few have any. */
  #listeners: Set<ProgressListener> | undefined;

  get size(): number {
    return this.#listeners?.size ?? 0;
  }

  /** Returns what ends it. */
  add(listener: ProgressListener): () => void {
    const own: ProgressListener = (resource) => listener(resource);
    this.#listeners ??= new Set();
    this.#listeners.add(own);
    return () => void this.#listeners?.delete(own);
  }

  /** Tells all where something changed. A listener that throws does not end anybody's wait. */
  tell(before: DeferralResource | undefined, after: DeferralResource): void {
    if (this.#listeners === undefined) return;
    if (before !== undefined && !isChanged(before, after)) return;
    for (const listener of this.#listeners) {
      try {
        listener(after);
      } catch {
        // Its own affair.
      }
    }
  }
}

const changing = ['status', 'phase', 'updatedAt', 'attempts', 'postponements', 'estimatedAt'] as const;

function isChanged(before: DeferralResource, after: DeferralResource): boolean {
  const ofReversal = (['status', 'phase', 'reversed'] as const).some(
    (member) => before.reversal?.[member] !== after.reversal?.[member],
  );
  return ofReversal || changing.some((member) => before[member] !== after[member]);
}
