import { seconds } from './frame.ts';
import type { Event, Scene } from './scene.ts';

/** The scene in one line, for files and pipes. */
export function plainLine({ elapsedMs, partitions, workTypes, deferrals, calls }: Scene): string {
  const latency = partitions.map(
    ({ name, valueMs }) => `${name} ${valueMs === undefined ? '-' : valueMs.toFixed(1)} ms`,
  );
  const types = workTypes.map(({ name, rule, state, performed, retryLater, deferred }) => {
    const told = rule === 'exempt' ? 'exempt' : state;
    return `${name} ${told} ${performed}/${retryLater}/${deferred}`;
  });
  return [
    seconds(elapsedMs).padStart(7),
    latency.join(', '),
    ...types,
    `backlog ${deferrals.backlog}`,
    `waiting ${calls.waiting}`,
  ].join('  ');
}

/** An event in one line. */
export function plainEvent({ atMs, text }: Event): string {
  return `${seconds(atMs).padStart(7)}  * ${text}`;
}
