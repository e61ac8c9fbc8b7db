import { drawBars } from '../pictures/draw-bars.ts';
import { drawSeries } from '../pictures/draw-series.ts';
import { machineLine } from '../report.ts';
import type { Result } from '../results/result.ts';
import { figureTables, table } from './figure-tables.ts';

/** A picture of a result: the name of its file in docs/benchmarks, and its bytes. */
export interface Drawn {
  readonly file: string;
  readonly title: string;
  readonly svg: string;
}

/** Everything that is shown of a result, except what its author says about it. `toPictures`: from the page to docs/benchmarks. */
export function resultSection(result: Result, toPictures: string): string {
  const { name, title, figures, ours, quick } = result;
  return [
    `\`npm run bench -- ${name}\`: ${title}.`,
    ...(quick ? ['**With `--quick`: it shows that the benchmark runs. Not to be quoted.**'] : []),
    ...picturesOf(result).map((picture) => `![${picture.title}](${toPictures}${picture.file})`),
    figureTables(figures, ours),
    taken(result),
  ].join('\n\n');
}

/** What is drawn: bars of the contenders, where there are some, and what the benchmark told of. */
export function picturesOf({ name, title, figures, ours, bars: wanted, pictures }: Result): readonly Drawn[] {
  const compared = figures.filter(({ who, what }) => who !== undefined && (wanted?.includes(what) ?? true));
  const bars = { file: `${name}.svg`, title, svg: drawBars(title, compared, ours) };
  const series = pictures.map((picture) => {
    return { file: `${picture.name}.svg`, title: picture.title, svg: drawSeries(picture) };
  });
  return [...series, ...(compared.length > 0 ? [bars] : [])];
}

function taken({ takenAt, tookS, machine, versions, settings }: Result): string {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const rows = Object.entries(settings);
  return [
    `Taken on ${takenAt.slice(0, 10)} within ${tookS} s on ${machineLine(machine)}.${named.length > 0 ? ` ${named.join(', ')}.` : ''}`,
    ...(rows.length > 0 ? [table(['', 'settings'], rows)] : []),
  ].join('\n\n');
}
