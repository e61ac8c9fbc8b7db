import type { Figure, Run } from '../../benchmark.ts';
import { type Child, startChild } from '../../child.ts';
import { onCores } from '../../cores.ts';
import { fewestSamples, spreadOf } from '../../statistics.ts';
import { inTurn } from '../../turns.ts';
import { brownOutSetting, type Through, throughBrownOuts } from './brown-outs.ts';
import type { CallerProcess } from './caller-process.ts';
import { type CallerName, callerSettings, callers } from './callers.ts';

const script = new URL('caller-process.ts', import.meta.url);
const names = Object.keys(callers) as CallerName[];

/** The packages that are compared with. */
export const peers = ['axios', 'axios-retry', 'got', 'ky'] as const;
/** How the client is called in the table. */
export const ours: CallerName = 'Slackwater SDK';

/** The client SDK beside others: calls to a healthy server at `healthyUrl`, then through brown-outs of a gate's database. */
export async function besidePeers(run: Run, healthyUrl: string): Promise<readonly Figure[]> {
  const children = {} as Record<CallerName, Child<CallerProcess>>;
  run.tell({ settings: { ...callerSettings, 'brown-out': brownOutSetting } });
  try {
    for (const name of names)
      children[name] = await onCores('load', () => startChild<CallerProcess>(script, name));
    const healthy = await oneByOne(run, children, healthyUrl);
    return [...healthy, ...throughFigures(await throughBrownOuts(run, children))];
  } finally {
    await Promise.all(Object.values(children).map((child) => child.end()));
  }
}

async function oneByOne(
  { quick, progress }: Run,
  children: Readonly<Record<CallerName, Child<CallerProcess>>>,
  url: string,
): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const [path, what, calls] of [
    ['/orders', 'a call to a healthy route', quick ? 30 : 60],
    ['/nothing', 'a call to a route that does nothing', quick ? 100 : 150],
  ] as const) {
    progress(what);
    const takes = Object.fromEntries(
      names.map((name) => [name, () => children[name].ask('oneByOneMs', url, path, calls)]),
    ) as Record<CallerName, () => Promise<number>>;
    for (const name of names) await takes[name]();
    const taken = await inTurn(takes, fewestSamples);
    for (const who of names)
      figures.push({ who, what, unit: 'ms', better: 'less', value: spreadOf(taken[who]) });
  }
  return figures;
}

function throughFigures(taken: Readonly<Record<CallerName, readonly Through[]>>): readonly Figure[] {
  const column = (
    what: string,
    unit: Figure['unit'],
    better: 'more' | 'less',
    of: (through: Through) => number,
  ): readonly Figure[] =>
    names.map((who) => ({ who, what, unit, better, value: spreadOf(taken[who].map(of)) }));
  return [
    ...column('brown-out: calls that end well', 'share', 'more', ({ endedWell }) => endedWell),
    ...column('requests for each that does', 'ratio', 'less', ({ requestsEach }) => requestsEach),
    ...column('median time of those', 'ms', 'less', ({ medianMs }) => medianMs),
    ...column('their 99th percentile', 'ms', 'less', ({ p99Ms }) => p99Ms),
    ...column('orders placed twice', 'count', 'less', ({ repeated }) => repeated),
  ];
}
