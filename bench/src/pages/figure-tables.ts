import { amount } from '../amount.ts';
import type { Figure } from '../benchmark.ts';
import { targetText } from '../report.ts';

/** The figures of a result as tables: contenders beside each other first, then what stands by itself. */
export function figureTables(figures: readonly Figure[], ours: string | undefined): string {
  const compared = figures.filter(({ who }) => who !== undefined);
  const alone = figures.filter(({ who }) => who === undefined);
  return [
    ...(compared.length > 0 ? [contenders(compared, ours)] : []),
    ...(alone.length > 0 ? [list(alone)] : []),
  ].join('\n\n');
}

function list(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.what,
    amount(figure.unit, figure.value.median),
    interval(figure),
    targetText(figure),
    figure.note ?? '',
  ]);
  return table(['', 'median', '95 % interval', 'target', ''], rows);
}

/** A row for each contender, a column for each question; the best of a column is bold. */
function contenders(figures: readonly Figure[], ours: string | undefined): string {
  const questions = [...new Set(figures.map(({ what }) => what))];
  const names = [...new Set(figures.map(({ who = '' }) => who))];
  const rows = names.map((name) => [
    name === ours ? `**${name}**` : name,
    ...questions.map((question) => {
      const column = figures.filter(({ what }) => what === question);
      const figure = column.find(({ who }) => who === name);
      return figure === undefined ? '-' : cell(figure, isBest(figure, column));
    }),
    [...new Set(figures.flatMap(({ who, note }) => (who === name && note !== undefined ? [note] : [])))].join(
      '; ',
    ),
  ]);
  return table(['', ...questions, ''], rows);
}

function cell(figure: Figure, best: boolean): string {
  const value = amount(figure.unit, figure.value.median);
  const parts = [best ? `**${value}**` : value, interval(figure), targetText(figure)];
  return parts.filter((part) => part !== '').join('<br>');
}

function isBest({ value, better }: Figure, column: readonly Figure[]): boolean {
  if (better === undefined) return false;
  // What does not say which is better is what the others are held against.
  const medians = column.filter((figure) => figure.better !== undefined).map((figure) => figure.value.median);
  return value.median === (better === 'more' ? Math.max(...medians) : Math.min(...medians));
}

function interval({ unit, value }: Figure): string {
  return value.count === 1 ? '' : `${amount(unit, value.low)} - ${amount(unit, value.high)}`;
}

/** A table of Markdown. A column that is empty in every row is left out. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const kept = head.map((_, column) => rows.some((row) => (row[column] ?? '') !== ''));
  const line = (cells: readonly string[]): string =>
    `| ${cells
      .filter((_, column) => kept[column])
      .map((each) => each.replaceAll('|', '\\|'))
      .join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
