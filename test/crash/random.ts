/** Chance that can be repeated: mulberry32 over a seed of 32 bits. */
export interface Random {
  readonly seed: number;
  /** From `least` to `most`, evenly. */
  between(least: number, most: number): number;
}

/** A seed repeats a run, as far as processes can be told when to die; default `SLACKWATER_CRASH_SEED`, or one of chance. */
export function seededRandom(given = process.env['SLACKWATER_CRASH_SEED']): Random {
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given) >>> 0;
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { seed, between: (least, most) => least + next() * (most - least) };
}
