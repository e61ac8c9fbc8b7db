// To be loaded before a command: the time that it gives to other hosts passes at once, for timers as for clocks.

const givenToHostsMs = 15_000;
const later = globalThis.setTimeout;
const now = performance.now.bind(performance);
let aheadMs = 0;

performance.now = () => now() + aheadMs;
globalThis.setTimeout = Object.assign((work: () => void, ms?: number, ...args: readonly unknown[]) => {
  if (ms !== givenToHostsMs) return later(work, ms, ...args);
  aheadMs += ms;
  return later(work, 1, ...args);
}, later) as typeof setTimeout;
