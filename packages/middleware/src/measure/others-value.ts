/** What other hosts say of one partition. */
export interface OthersReading {
  /** The median of their values, ms; undefined where fewer than {@link leastHosts} have one. */
  readonly valueMs: number | undefined;
  /** How many other hosts have a value of their own. */
  readonly hosts: number;
}

/** So many other hosts have to have measured a partition before what they say counts. */
export const leastHosts = 2;

const nothing: OthersReading = { valueMs: undefined, hosts: 0 };

/**
 * Boils the values of other hosts down to one. Of an even number it is the lower of the middle two, not what lies between
 * them: so it is over a threshold only where more than half of those hosts are, and never on the word of one.
 *
 * Hosts that have no value do not count, neither way: where few hosts have the traffic of a partition, the others would
 * outvote those who know.
 */
export function othersValue(values: readonly number[]): OthersReading {
  const hosts = values.length;
  if (hosts === 0) return nothing;
  if (hosts < leastHosts) return { valueMs: undefined, hosts };
  const sorted = Float64Array.from(values).sort();
  return { valueMs: sorted[Math.floor((hosts - 1) / 2)], hosts };
}
