import { amount } from '../amount.ts';
import type { Figure } from '../benchmark.ts';
import { linearFromZero } from './scale.ts';
import { path, rect, short, svg, text, titled } from './svg.ts';

const width = 760;
const labels = { left: 12, to: 210 } as const;
const right = width - 150;
const bar = { height: 16, gap: 6 } as const;
const headingHeight = 34;

/** A bar for each contender, a group for each question, longest scale its own; whiskers are the intervals of 95 %. */
export function drawBars(title: string, figures: readonly Figure[], ours: string | undefined): string {
  const questions = [...new Set(figures.map(({ what }) => what))];
  const { parts: heading, bottom } = titled(title, width);
  let y = bottom + 10;
  const parts = questions.flatMap((what) => {
    const group = figures.filter((figure) => figure.what === what);
    const top = y;
    y += headingHeight + group.length * (bar.height + bar.gap);
    return drawGroup(what, group, top, ours);
  });
  return svg(width, y + 10, title, [...heading, ...parts]);
}

function drawGroup(
  what: string,
  figures: readonly Figure[],
  top: number,
  ours: string | undefined,
): readonly string[] {
  const x = linearFromZero(Math.max(...figures.map(({ value }) => value.high)), labels.to, right);
  const better = figures[0]?.better;
  const hint = better === undefined ? '' : ` (${better === 'more' ? 'longer' : 'shorter'} is better)`;
  const rows = figures.flatMap(({ who = '', unit, value }, at) => {
    const y = top + headingHeight + at * (bar.height + bar.gap);
    const middle = y + bar.height / 2;
    const whisker = `M${short(x(value.low))} ${middle}H${short(x(value.high))}`;
    return [
      text(labels.to - 8, y + 12, who, { anchor: 'end' }),
      rect(
        who === ours ? 'ours' : 'peer',
        labels.to,
        y,
        Math.max(1, x(value.median) - labels.to),
        bar.height,
      ),
      ...(value.count > 1 ? [path('spread', whisker)] : []),
      text(Math.max(x(value.median), x(value.high)) + 8, y + 12, amount(unit, value.median)),
    ];
  });
  return [text(labels.left, top + 24, `${what}${hint}`, { look: 'heading' }), ...rows];
}
