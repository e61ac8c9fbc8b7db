/** How long a pending deferral should be left alone before it is asked for again, ms. */
const waits = { clear: 500, over: 2_000 } as const;

/** The same by the states of the work types on its partition. */
export function pollAfterMs(states: Readonly<Record<string, 'clear' | 'over' | 'recovering'>>): number {
  return Object.values(states).includes('over') ? waits.over : waits.clear;
}
