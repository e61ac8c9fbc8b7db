import { between, linearFromZero, type Scale } from './scale.ts';
import type { Panel, Series, SeriesPicture, Tone } from './series-picture.ts';
import { path, rect, short, svg, text, titled } from './svg.ts';

const panelWidth = 300;
const panelHeight = 190;
const inner = { left: 46, right: 18, top: 44, bottom: 34 } as const;
const legendEntry = { gap: 22, letter: 6.2 } as const;

/** Draws curves and areas, a panel beside the other. */
export function drawSeries(picture: SeriesPicture): string {
  const columns = Math.min(picture.columns ?? 3, picture.panels.length);
  const { parts: title, bottom } = titled(picture.title, columns * panelWidth);
  const legend = legendOf(picture, bottom + 10);
  const top = bottom + (legend.length === 0 ? 10 : 30);
  const most = Math.max(...picture.panels.map(mostOf));
  const panels = picture.panels.map((panel, at) => {
    const [x, y] = [(at % columns) * panelWidth, top + Math.floor(at / columns) * panelHeight];
    const parts = drawPanel(picture, panel, picture.sameY === true ? most : mostOf(panel));
    return `<g transform="translate(${x} ${y})">${parts.join('')}</g>`;
  });
  const height = top + Math.ceil(picture.panels.length / columns) * panelHeight;
  return svg(columns * panelWidth, height, picture.title, [...title, ...legend, ...panels]);
}

/** Each label once, in the order in which it comes first; a lone series needs none. */
function legendOf({ panels }: SeriesPicture, y: number): readonly string[] {
  const kinds = new Map<string, Series>();
  for (const { series } of panels)
    for (const each of series) kinds.set(each.label, kinds.get(each.label) ?? each);
  if (kinds.size < 2) return [];
  let x = 12;
  return [...kinds.values()].flatMap(({ label, as, tone }) => {
    const at = x;
    x += legendEntry.gap + 14 + label.length * legendEntry.letter;
    const mark = as === 'area' ? rect(tone, at, y, 10, 10) : path(`line ${tone}`, `M${at} ${y + 5}h12`);
    return [mark, text(at + 15, y + 9, label)];
  });
}

function mostOf({ series, x, bound = 0 }: Panel): number {
  const stacked = x.map((_, at) =>
    series.reduce((sum, { as, y }) => sum + (as === 'area' ? (y[at] ?? 0) : 0), 0),
  );
  const lines = series.filter(({ as }) => as !== 'area').flatMap(({ y }) => y.map((value) => value ?? 0));
  return Math.max(bound * 1.05, ...stacked, ...lines);
}

function drawPanel(picture: SeriesPicture, panel: Panel, most: number): readonly string[] {
  const [right, floor] = [panelWidth - inner.right, panelHeight - inner.bottom];
  const x = between(panel.x, inner.left, right, picture.x.scale === 'logarithmic');
  const y = linearFromZero(most, floor, inner.top);
  return [
    text(inner.left, 16, panel.title, { look: 'heading' }),
    ...(panel.subtitle === undefined ? [] : [text(inner.left, 30, panel.subtitle, { look: 'small' })]),
    ...(picture.bands ?? []).flatMap(({ from, to, label }) => [
      rect('band', x(from), inner.top, x(to) - x(from), floor - inner.top),
      text((x(from) + x(to)) / 2, inner.top + 11, label, { look: 'small', anchor: 'middle' }),
    ]),
    ...areas(panel, x, y),
    ...y.ticks.flatMap((value) => [
      path('grid', `M${inner.left} ${short(y(value))}H${right}`),
      text(inner.left - 6, y(value) + 4, value.toLocaleString('en'), { anchor: 'end' }),
    ]),
    ...(panel.bound === undefined ? [] : [path('bound', `M${inner.left} ${short(y(panel.bound))}H${right}`)]),
    ...panel.series.filter(({ as }) => as !== 'area').flatMap((series) => curve(series, panel.x, x, y)),
    ...x.ticks.map((value) => text(x(value), floor + 15, shortNumber(value), { anchor: 'middle' })),
    text(
      (inner.left + right) / 2,
      floor + 28,
      picture.y === undefined ? picture.x.label : `${picture.x.label}; upwards: ${picture.y.label}`,
      {
        ...{ look: 'small', anchor: 'middle' },
      },
    ),
  ];
}

function areas({ series, x: places }: Panel, x: Scale, y: Scale): readonly string[] {
  let below = places.map(() => 0);
  return series
    .filter(({ as }) => as === 'area')
    .map(({ tone, y: values }) => {
      const above = below.map((base, at) => base + (values[at] ?? 0));
      const forth = places.map((place, at) => `${short(x(place))} ${short(y(above[at] ?? 0))}`);
      const back = places.map((place, at) => `${short(x(place))} ${short(y(below[at] ?? 0))}`).reverse();
      below = above;
      return path(tone, `M${[...forth, ...back].join('L')}Z`);
    });
}

/** Broken where nothing was there. */
function curve(
  { as, tone, y: values }: Series,
  places: readonly number[],
  x: Scale,
  y: Scale,
): readonly string[] {
  let isBroken = true;
  const d = places.map((place, at) => {
    const value = values[at] ?? null;
    const letter = isBroken ? 'M' : 'L';
    isBroken = value === null;
    return value === null ? '' : `${letter}${short(x(place))} ${short(y(value))}`;
  });
  const dots = as === 'dots' ? places.flatMap((place, at) => dot(tone, x(place), values[at], y)) : [];
  return [path(`line ${tone}`, d.join('')), ...dots];
}

function dot(tone: Tone, x: number, value: number | null | undefined, y: Scale): readonly string[] {
  if (value === null || value === undefined) return [];
  return [`<circle class="${tone}" cx="${short(x)}" cy="${short(y(value))}" r="3"/>`];
}

function shortNumber(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1e4 ? `${value / 1e3} k` : String(value);
}
