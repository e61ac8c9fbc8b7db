import type { Fault, Scenario } from './scenario.ts';
import type { Report } from './simulate.ts';
import { type Sum, sumsOf } from './sums.ts';

const width = 760;
const left = 52;
const right = width - 20;
const counts = { top: 46, bottom: 196 };
const latency = { top: 232, bottom: 312 };
const height = 344;

/** What is stacked, from below. */
const layers = ['performed', 'drained', 'deferred', 'refused'] as const;

const style = `
text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600}.grid{stroke:#ccc;stroke-width:1}.fault{fill:#888;opacity:.18}
.performed{fill:#2f9e6e}.drained{fill:#7cc8e8}.deferred{fill:#3b78c2}.refused{fill:#e07b39}
.p50,.p99,.threshold{fill:none;stroke-width:1.5}.p50{stroke:#2f9e6e}.p99{stroke:#b0413e}.threshold{stroke:#777;stroke-dasharray:3 3}
@media (prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}.fault{fill:#aaa;opacity:.22}.p99{stroke:#ff8a80}.threshold{stroke:#aaa}}`;

/**
 * A report as a picture (SVG 1.1) that can be read on light and dark: above, what became of requests per second, below, the
 * latency of commits. Where a fault lasts it is shaded. The same report gives the same bytes.
 */
export function pictureOf(title: string, scenario: Scenario, report: Report): string {
  const sums = sumsOf(report.windows);
  const { durationMs } = scenario;
  const x = (atMs: number): number => left + ((right - left) * Math.min(atMs, durationMs)) / durationMs;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${style}</style>`,
    `<text class="title" x="${left}" y="18">${escaped(title)}</text>`,
    ...legend(),
    ...faultsOf(scenario).map(({ fromMs, toMs }) => shade(x(fromMs), x(toMs))),
    ...stack(sums, scenario, x),
    ...lines(sums, scenario, x),
    ...timeAxis(durationMs, x),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function legend(): readonly string[] {
  return layers
    .flatMap((name, at) => [
      `<rect class="${name}" x="${left + at * 92}" y="28" width="10" height="10"/>`,
      `<text x="${left + 14 + at * 92}" y="37">${name}</text>`,
    ])
    .concat(`<text x="${right}" y="37" text-anchor="end">per second</text>`);
}

function faultsOf({ partitions }: Scenario): readonly Fault[] {
  return Object.values(partitions).flatMap(({ faults = [] }) => faults);
}

function shade(from: number, to: number): string {
  return `<rect class="fault" x="${short(from)}" y="${counts.top}" width="${short(to - from)}" height="${latency.bottom - counts.top}"/>`;
}

function stack(
  sums: readonly Sum[],
  { reportWindowMs }: Scenario,
  x: (atMs: number) => number,
): readonly string[] {
  const perSecond = 1_000 / reportWindowMs;
  const totals = sums.map((sum) => layers.reduce((total, name) => total + sum[name], 0) * perSecond);
  const most = roundUp(Math.max(1, ...totals));
  const y = (value: number): number => counts.bottom - ((counts.bottom - counts.top) * value) / most;
  let below = sums.map(() => 0);
  const areas = layers.map((name) => {
    const above = below.map((base, at) => base + (sums[at]?.[name] ?? 0) * perSecond);
    const forth = sums.map(({ fromMs }, at) => steps(x, fromMs, reportWindowMs, y(above[at] ?? 0)));
    const back = sums
      .map(({ fromMs }, at) => steps(x, fromMs, reportWindowMs, y(below[at] ?? 0), true))
      .reverse();
    below = above;
    return `<path class="${name}" d="M${[...forth, ...back].join('L')}Z"/>`;
  });
  return [
    ...areas,
    ...[0, most / 2, most].flatMap((value) => gridLine(y(value), value.toLocaleString('en-US'))),
  ];
}

function steps(
  x: (atMs: number) => number,
  fromMs: number,
  windowMs: number,
  y: number,
  isBack = false,
): string {
  const ends = [`${short(x(fromMs))},${short(y)}`, `${short(x(fromMs + windowMs))},${short(y)}`];
  return (isBack ? ends.reverse() : ends).join('L');
}

function lines(
  sums: readonly Sum[],
  { reportWindowMs, workTypes }: Scenario,
  x: (atMs: number) => number,
): readonly string[] {
  const values = sums.flatMap(({ p50, p99 }) => [p50, p99]).filter((value) => value !== null);
  const low = 10 ** Math.floor(Math.log10(Math.max(0.01, Math.min(10, ...values))));
  const high = 10 ** Math.ceil(Math.log10(Math.max(1_000, ...values)));
  const share = (value: number): number => Math.log(Math.max(low, value) / low) / Math.log(high / low);
  const y = (value: number): number => latency.bottom - (latency.bottom - latency.top) * share(value);
  const thresholds = new Set(
    Object.values(workTypes).flatMap(({ thresholdMs }) =>
      typeof thresholdMs === 'number' ? thresholdMs : [],
    ),
  );
  const grid: string[] = [];
  for (let value = low; value <= high * 1.01; value *= 10) grid.push(...gridLine(y(value), label(value)));
  return [
    ...grid,
    ...[...thresholds].map((ms) => `<path class="threshold" d="M${left},${short(y(ms))}H${right}"/>`),
    ...(['p50', 'p99'] as const).map(
      (name) => `<path class="${name}" d="${curve(sums, name, reportWindowMs, x, y)}"/>`,
    ),
    `<text x="${left}" y="${latency.top - 10}">commit latency, ms: median and 99th percentile; dashed: thresholds</text>`,
  ];
}

/** Broken where nothing was committed. */
function curve(
  sums: readonly Sum[],
  name: 'p50' | 'p99',
  windowMs: number,
  x: (atMs: number) => number,
  y: (value: number) => number,
): string {
  let isBroken = true;
  return sums
    .map((sum) => {
      const value = sum[name];
      const letter = isBroken ? 'M' : 'L';
      isBroken = value === null;
      return value === null ? '' : `${letter}${short(x(sum.fromMs + windowMs / 2))},${short(y(value))}`;
    })
    .join('');
}

function gridLine(y: number, label: string): readonly string[] {
  return [
    `<path class="grid" d="M${left},${short(y)}H${right}"/>`,
    `<text x="${left - 6}" y="${short(y + 4)}" text-anchor="end">${label}</text>`,
  ];
}

function timeAxis(durationMs: number, x: (atMs: number) => number): readonly string[] {
  const everyS =
    [1, 5, 10, 20, 30, 60, 300, 600].find((seconds) => durationMs / seconds / 1_000 <= 12) ?? 600;
  const marks: string[] = [];
  for (let second = 0; second * 1_000 <= durationMs; second += everyS)
    marks.push(
      `<text x="${short(x(second * 1_000))}" y="${latency.bottom + 18}" text-anchor="middle">${second} s</text>`,
    );
  return marks;
}

function label(ms: number): string {
  return ms < 1_000 ? String(Number(ms.toPrecision(1))) : `${Math.round(ms / 1_000)}k`;
}

/** The next 1, 2 or 5 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10);
}

function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
