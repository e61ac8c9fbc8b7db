import { eventLine, type Size, title } from '@slackwater/example-shop/demo/frame';
import { type Line, type Span, spread } from '@slackwater/example-shop/demo/paint';
import type { Tone } from '@slackwater/example-shop/demo/scene';
import type { HostScene, Scene, ServerScene } from './scene.ts';

const widest = 100;
const blank: Line = [];
const fewestEvents = 4;

/** The whole screen as lines, from the top; never more than `rows`. Lines may be too long: `paint` cuts them. */
export function frame(scene: Scene, { columns, rows }: Size): readonly Line[] {
  const width = Math.min(columns, widest) - 2;
  const fixed = [
    ...title(scene, width),
    blank,
    ...hosts(scene),
    blank,
    ...servers(scene, width),
    blank,
    ...callers(scene, width),
    blank,
  ];
  const forEvents = Math.max(fewestEvents, rows - fixed.length);
  const lines = [...fixed, ...scene.events.slice(-forEvents).map(eventLine)];
  return lines.slice(0, rows).map((line) => [[' '], ...line]);
}

const stateTones = { clear: 'good', over: 'bad', recovering: 'careful' } as const satisfies Record<
  string,
  Tone
>;

function hosts({ hosts: all, workTypes }: Scene): readonly Line[] {
  const [important, ...others] = workTypes;
  const head: Line = [
    ['host'.padEnd(9), 'quiet'],
    ['commits'.padStart(8), 'quiet'],
    ...others.map((name): Span => [`  ${name}`.padEnd(14), 'quiet']),
    [`${important} now`.padStart(8), 'quiet'],
    ['later'.padStart(7), 'quiet'],
    ['deferred'.padStart(10), 'quiet'],
    ['replayed'.padStart(10), 'quiet'],
    ['   ledger, root', 'quiet'],
  ];
  return [head, ...all.map((host) => hostLine(host, important ?? '', others))];
}

function hostLine(
  { name, isUp, tally, head }: HostScene,
  important: string,
  others: readonly string[],
): Line {
  const label: Span = [name.padEnd(9), 'strong'];
  if (!isUp) return [label, ['✕ down', 'bad']];
  if (tally === undefined) return [label, ['starting', 'careful']];
  const { latencyMs, workTypes, settled } = tally;
  const sum = (counter: 'retryLater' | 'deferred'): number =>
    Object.values(workTypes).reduce((total, one) => total + one[counter], 0);
  return [
    label,
    [`${latencyMs === undefined ? '-' : Math.round(latencyMs)} ms`.padStart(8), 'plain'],
    ...others.map((other): Span => {
      const state = workTypes[other]?.state ?? 'clear';
      return [`  ● ${state}`.padEnd(14), stateTones[state]];
    }),
    count(workTypes[important]?.performed ?? 0, 8, 'good'),
    count(sum('retryLater'), 7, 'careful'),
    count(sum('deferred'), 10, 'accent'),
    count(settled, 10, 'good'),
    head === undefined
      ? ['   not known for now', 'careful']
      : [`   ${head.size} ${head.root.slice(0, 8)}`, 'accent'],
  ];
}

function count(value: number, width: number, tone: Tone): Span {
  return [String(value).padStart(width), value > 0 ? tone : 'quiet'];
}

const roles = {
  leader: ['● leads the log', 'good'],
  up: ['● up', 'good'],
  down: ['✕ down', 'bad'],
} as const satisfies Record<ServerScene['role'], Span>;

function servers({ servers: all, streams }: Scene, width: number): readonly Line[] {
  return [
    all.flatMap(({ name, role }): Line => {
      const [text, tone] = roles[role];
      return [
        [`${name} `, 'strong'],
        [text.padEnd(22), tone],
      ];
    }),
    spread(
      [[streams.map(({ name, messages }) => `${name} ${messages} messages`).join(', '), 'quiet']],
      [],
      width,
    ),
  ];
}

function callers({ calls: { sent, waiting, deferred } }: Scene, width: number): readonly Line[] {
  const room = Math.max(0, width - 34);
  const shown = '■'.repeat(Math.min(deferred, room));
  return [
    [
      ['Backlog '],
      [String(deferred).padStart(4), deferred > 0 ? 'accent' : 'quiet'],
      [' '],
      [shown + (deferred > room ? '…' : ''), 'accent'],
    ],
    [['Callers '], [String(sent).padStart(4)], [` requests sent, ${waiting} wait for their answer`, 'quiet']],
  ];
}
