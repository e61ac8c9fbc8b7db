/** From values to places in a picture. */
export interface Scale {
  (value: number): number;
  /** Where its grid lines are. */
  readonly ticks: readonly number[];
}

/** From zero to the next round number over `most`, between two places. */
export function linearFromZero(most: number, from: number, to: number): Scale {
  const end = roundUp(most);
  const scale = (value: number): number => from + ((to - from) * value) / end;
  return Object.assign(scale, { ticks: [0, end / 2, end] });
}

/** Between the least and the most of some values, a tick for each of at most nine round steps, or each power of ten. */
export function between(values: readonly number[], from: number, to: number, logarithmic: boolean): Scale {
  const of = logarithmic ? Math.log10 : (value: number): number => value;
  const [least, most] = [of(Math.min(...values)), of(Math.max(...values))];
  const scale = (value: number): number => from + ((to - from) * (of(value) - least)) / (most - least || 1);
  const step = logarithmic ? 1 : roundUp((most - least) / 6);
  const first = Math.ceil(least / step) * step;
  const count = Math.floor((most - first) / step + 1e-9) + 1;
  const ticks = Array.from({ length: count }, (_, n) => first + n * step);
  return Object.assign(scale, { ticks: logarithmic ? ticks.map((tick) => 10 ** tick) : ticks });
}

/** The next 1, 2 or 5 times a power of ten. */
function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5, 10].find((step) => step * power >= value * (1 - 1e-9)) ?? 10);
}
