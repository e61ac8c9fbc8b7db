import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { definitions, type MetricDefinition } from '../../../packages/middleware/src/metrics/definitions.ts';
import { codeSpan, tablesOf } from '../../tidy/markdown.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

interface Panel {
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string }[];
}

const dashboard = JSON.parse(read('docs/grafana/slackwater.json')) as { readonly panels: readonly Panel[] };
const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

/** The metric, and the labels, that an expression names. */
function namedIn(expression: string): {
  readonly metrics: readonly string[];
  readonly labels: readonly string[];
} {
  const metrics = [...expression.matchAll(/\bslackwater_\w+/g)].map(([name]) => name);
  const groups = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, ?/));
  const matchers = [...expression.matchAll(/(\w+)(?:=~|!=|=)"/g)].map(([, label = '']) => label);
  return { metrics, labels: [...groups, ...matchers] };
}

/** Of a histogram the series that there are. */
function definitionOf(series: string): MetricDefinition | undefined {
  const all: Readonly<Record<string, MetricDefinition>> = definitions;
  const own = all[series];
  if (own !== undefined) return own.kind === 'histogram' ? undefined : own;
  const histogram = all[series.replace(/_(?:bucket|sum|count)$/, '')];
  return histogram?.kind === 'histogram' ? histogram : undefined;
}

describe('docs/reference/metrics.md', () => {
  it('has a row for every metric with its type and labels, and none for anything else', () => {
    const rows = tablesOf({ path: 'metrics.md', text: read('docs/reference/metrics.md') })
      .filter(({ header }) => header[0] === 'metric')
      .flatMap(({ rows: own }) => own);
    const documented = rows.map(([name = '', type = '', labels = '']) => [
      codeSpan(name) ?? name,
      type,
      labels.replaceAll('`', ''),
    ]);
    const defined = Object.entries<MetricDefinition>(definitions).map(([name, { kind, labels }]) => [
      name,
      kind,
      labels.join(', '),
    ]);
    expect(documented).toEqual(defined);
  });
});

describe('docs/grafana/slackwater.json', () => {
  it('names no metric that is not there', () => {
    expect(expressions.length).toBeGreaterThan(15);
    for (const expression of expressions) {
      const { metrics } = namedIn(expression);
      expect([
        expression,
        metrics.length > 0 && metrics.every((name) => definitionOf(name) !== undefined),
      ]).toEqual([expression, true]);
    }
  });

  it('names every metric', () => {
    const named = new Set(
      expressions.flatMap((expression) =>
        namedIn(expression).metrics.map((name) => name.replace(/_bucket$/, '')),
      ),
    );
    expect(Object.keys(definitions).filter((name) => !named.has(name))).toEqual([]);
  });

  it('goes by labels that its metrics have, and counts counters by their rate', () => {
    for (const expression of expressions) {
      const { metrics, labels } = namedIn(expression);
      const known = metrics.flatMap((name) => definitionOf(name)?.labels ?? []);
      const strange = labels.filter((label) => ![...known, 'instance', 'le'].includes(label));
      expect([expression, strange]).toEqual([expression, []]);
      const isRate = /\b(?:rate|increase)\(/.test(expression);
      expect([expression, isRate]).toEqual([
        expression,
        metrics.some((name) => definitionOf(name)?.kind !== 'gauge'),
      ]);
    }
  });

  it('has panels with names of their own, none over another', () => {
    const titles = dashboard.panels.map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
    const taken = new Set<string>();
    for (const { gridPos } of dashboard.panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(x < 24 && !taken.has(`${x} ${y}`)).toBe(true);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });
});
