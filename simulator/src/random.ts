/** From 0 up to, not including, 1. */
export type Random = () => number;

/** The same numbers for the same seed and stream (mulberry32). Streams of one seed have nothing to do with each other. */
export function randomOf(seed: number, stream: number): Random {
  let state = mixed(seed ^ mixed(stream + 1));
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    return mixed(state) / 4_294_967_296;
  };
}

/** How long until the next of events that come on their own, `perMs` of them on average: exponentially distributed. */
export function untilNextMs(random: Random, perMs: number): number {
  return -Math.log(1 - random()) / perMs;
}

function mixed(state: number): number {
  let mix = Math.imul(state ^ (state >>> 15), 1 | state);
  mix = (mix + Math.imul(mix ^ (mix >>> 7), 61 | mix)) ^ mix;
  return (mix ^ (mix >>> 14)) >>> 0;
}
