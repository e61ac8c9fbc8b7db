import { seconds } from '@slackwater/example-shop/demo/frame';
import type { HostScene, Scene } from './scene.ts';

/** The scene in one line, for files and pipes. */
export function plainLine({ elapsedMs, hosts, servers, calls, workTypes }: Scene): string {
  return [
    seconds(elapsedMs).padStart(7),
    ...hosts.map((host) => hostText(host, workTypes)),
    servers.map(({ name, role }) => `${name} ${role}`).join(' '),
    `backlog ${calls.deferred}`,
    `waiting ${calls.waiting}`,
  ].join('  ');
}

/** `host-1 262 ms order over report over, ledger 120 kM3s` */
function hostText({ name, isUp, tally, head }: HostScene, workTypes: readonly string[]): string {
  if (!isUp) return `${name} down`;
  const latency = tally?.latencyMs === undefined ? '-' : `${Math.round(tally.latencyMs)} ms`;
  const states = workTypes
    .map((type) => ({ type, state: tally?.workTypes[type]?.state ?? 'clear' }))
    .filter(({ state }) => state !== 'clear')
    .map(({ type, state }) => ` ${type} ${state}`);
  const ledger = head === undefined ? '-' : `${head.size} ${head.root.slice(0, 4)}`;
  return `${name} ${latency}${states.join('')}, ledger ${ledger}`;
}
