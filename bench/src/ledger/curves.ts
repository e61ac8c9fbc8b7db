/** A value at a size. */
export interface Point {
  readonly entries: number;
  readonly value: number;
}

/** How one cost grows. */
export interface Curve {
  readonly title: string;
  readonly points: readonly Point[];
  /** What it should stay below, where there is such a figure. */
  readonly bound?: number;
}

const panel = { width: 250, height: 190, left: 52, right: 14, top: 34, bottom: 40 } as const;

const style = `
text{font:11px system-ui,sans-serif;fill:#333}.title{font-weight:600}.grid{stroke:#ccc}.line{fill:none;stroke:#3b78c2;stroke-width:2}
.dot{fill:#3b78c2}.bound{stroke:#b0413e;stroke-dasharray:4 3}
@media (prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}.line{stroke:#7cc8e8}.dot{fill:#7cc8e8}.bound{stroke:#ff8a80}}`;

/**
 * How costs grow as a picture (SVG 1.1) for light and dark, a panel each; sizes are on a logarithmic axis. The same
 * curves give the same bytes.
 */
export function curvesOf(curves: readonly Curve[]): string {
  const width = panel.width * curves.length;
  const title = curves.map((curve) => curve.title).join('; ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${panel.height}" role="img" aria-label="${title}">`,
    `<style>${style}</style>`,
    ...curves.map((curve, at) => `<g transform="translate(${at * panel.width})">${panelOf(curve)}</g>`),
    '</svg>',
    '',
  ].join('\n');
}

function panelOf({ title, points, bound }: Curve): string {
  const sizes = points.map(({ entries }) => Math.log10(entries));
  const most = roundUp(Math.max(bound ?? 0, ...points.map(({ value }) => value)) * 1.05);
  const [first = 0, last = 1] = [sizes.at(0), sizes.at(-1)];
  const right = panel.width - panel.right;
  const floor = panel.height - panel.bottom;
  const x = (size: number): number =>
    panel.left + ((right - panel.left) * (size - first)) / Math.max(1, last - first);
  const y = (value: number): number => floor - ((floor - panel.top) * value) / most;
  const places = points.map(({ value }, at) => [x(sizes[at] ?? 0), y(value)].map(short));
  return [
    `<text class="title" x="${panel.left}" y="18">${title}</text>`,
    ...[0, most / 2, most].map(
      (value) =>
        `<path class="grid" d="M${panel.left} ${short(y(value))}H${right}"/>` +
        `<text x="${panel.left - 6}" y="${short(y(value) + 4)}" text-anchor="end">${value.toLocaleString('en')}</text>`,
    ),
    ...(bound === undefined ? [] : [`<path class="bound" d="M${panel.left} ${short(y(bound))}H${right}"/>`]),
    `<path class="line" d="M${places.map((place) => place.join(' ')).join('L')}"/>`,
    ...places.map(([cx, cy]) => `<circle class="dot" cx="${cx}" cy="${cy}" r="3"/>`),
    ...points.map(
      ({ entries }, at) =>
        `<text x="${places[at]?.[0]}" y="${floor + 16}" text-anchor="middle">${shortCount(entries)}</text>`,
    ),
    `<text x="${short((panel.left + right) / 2)}" y="${floor + 32}" text-anchor="middle">entries</text>`,
  ].join('');
}

const short = (value: number): string => String(Math.round(value * 10) / 10);

function shortCount(count: number): string {
  return count >= 1e6 ? `${count / 1e6} M` : `${count / 1e3} k`;
}

/** To one, two or five times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return (([1, 2, 5, 10] as const).find((step) => step * power >= value) ?? 10) * power;
}
