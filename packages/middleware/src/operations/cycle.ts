/**
 * A circle among tasks of which each still waits for another one that `waits`: its path, the first task once more at its end. Pure,
 * linear.
 */
export function cycleAmong(
  dependencies: ReadonlyMap<string, readonly string[]>,
  waits: (id: string) => boolean,
): readonly string[] {
  const seenAt = new Map<string, number>();
  const path: string[] = [];
  let at = [...dependencies.keys()].find(waits);
  // Whoever waits waits for somebody who waits too: following them leads into a circle.
  while (at !== undefined && !seenAt.has(at)) {
    seenAt.set(at, path.length);
    path.push(at);
    at = dependencies.get(at)?.find(waits);
  }
  return at === undefined ? path : [...path.slice(seenAt.get(at)), at];
}
