/** Of all names the one that was likely meant by `written`; undefined where none is near. */
export function nearestName(written: string, names: readonly string[]): string | undefined {
  const wanted = plain(written);
  // Comparing long texts costs time, and no option's name is long.
  if (wanted.length === 0 || wanted.length > 40) return undefined;
  const ranked = names
    .map((name) => ({ name, distance: distanceOf(wanted, plain(lastPart(name))) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(1, wanted.length / 3) ? best.name : undefined;
}

/** Units and case are what is forgotten most: `threshold` means `thresholdMs`. */
function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/[-_]/g, '')
    .replace(/(?:ms|bytes)$/, '');
}

function lastPart(dotted: string): string {
  return dotted.slice(dotted.lastIndexOf('.') + 1);
}

/** How many letters must be put in, taken out or exchanged (Levenshtein 1966). */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [done, letter] of [...a].entries()) {
    const next = [done + 1];
    for (let at = 0; at < b.length; at += 1) {
      const exchanged = (row[at] ?? 0) + (letter === b[at] ? 0 : 1);
      next.push(Math.min(exchanged, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
