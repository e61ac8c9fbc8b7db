import type { Scorer } from '../scorers/scorer.ts';
import { type Criterion, type ForecastOptions, forecastDefaults, metricNames } from './candidates.ts';
import { nearestName } from './nearest-name.ts';
import { OptionContradictionError, OptionInvalidError, OptionMissingError } from './option-error.ts';
import { entriesOf, type Read, type Readers, readGroup, within } from './read-group.ts';
import { functionOf, isFunction, milliseconds, number, plainName } from './read-values.ts';
import type { ResolvedOptions } from './resolved.ts';
import { quoted } from './said.ts';

type Metric = () => number | Promise<number>;

/** How many metrics, and how many scorers, there may be: what they all say has to fit into one entry of the ledger. */
const most = 16;

/** The option `metrics`: functions by name. */
export const readMetrics: Read<ReadonlyMap<string, Metric>> = (value, option) => {
  const read = functionOf<Metric>('() => jobs.length');
  return named(
    value,
    option,
    'give functions by name, { jobsWaiting: () => jobs.length }',
    (metric, name) => {
      if (metricNames.some((own) => own === name)) {
        throw new OptionContradictionError(
          within(option, name),
          'the gate measures a metric of that name itself; give yours another',
        );
      }
      return read(metric, within(option, name));
    },
  );
};

/** The option `scorers`: plugs by name. */
export const readScorers: Read<ReadonlyMap<string, Scorer>> = (value, option) =>
  named(
    value,
    option,
    "give scorers by name, { risk: modelScorer({ file: 'model.json' }) }",
    (scorer, name) => {
      const isScorer =
        typeof scorer === 'object' && scorer !== null && 'score' in scorer && isFunction(scorer.score);
      if (isScorer) return scorer as Scorer;
      throw new OptionInvalidError(
        within(option, name),
        scorer,
        'give something with a method score(facts), such as { score: (facts) => ({ defer: facts.bodyBytes > 10_000 }) }',
      );
    },
  );

function named<Item>(
  value: unknown,
  option: string,
  advice: string,
  read: (item: unknown, name: string) => Item,
): ReadonlyMap<string, Item> {
  const entries = entriesOf(value, option, advice);
  if (entries.length > most) {
    throw new OptionContradictionError(option, `it has ${entries.length} members; at most ${most}`);
  }
  return new Map(
    entries.map(([name, item]) => [plainName(name, within(option, name)), read(item, name)] as const),
  );
}

const forecastReaders: Readers<ForecastOptions> = {
  periodMs: milliseconds(1_000, 31 * 86_400_000),
  bucketMs: milliseconds(100, 86_400_000),
  maxPartitions: number({ from: 1, to: 10_000, of: 'partitions' }),
};

/** The options under `forecast`, whole. Throws `option-invalid` and `option-unknown`. */
export function checkForecast(value: unknown): Required<ForecastOptions> {
  const given =
    value === undefined
      ? {}
      : readGroup<ForecastOptions>(value, 'forecast', forecastReaders, {
          advice: 'give an object, { periodMs: 86_400_000 }',
        });
  const whole = { ...forecastDefaults, ...given };
  const buckets = whole.periodMs / whole.bucketMs;
  if (!Number.isInteger(buckets) || buckets < 2 || buckets > 2_500) {
    throw new OptionContradictionError(
      'forecast.bucketMs',
      `${whole.bucketMs} divides the ${whole.periodMs} ms of forecast.periodMs into ${buckets}; give both, 2 to 2,500 whole buckets in a period`,
    );
  }
  return whole;
}

/** Refuses criteria that name what is not there. Throws `option-invalid` and `option-missing`. */
export function checkNamed(options: ResolvedOptions): void {
  for (const { name, candidates } of options.workTypes) {
    const option = within('workTypes', name);
    if ((candidates?.neverDeferFor.length ?? 0) > 0) needClass(options, within(option, 'neverDeferFor'));
    for (const criterion of candidates?.criteria ?? []) {
      checkCriterion(options, criterion, within(option, 'candidates'));
    }
  }
}

function checkCriterion(options: ResolvedOptions, criterion: Criterion, option: string): void {
  if ('requesterClass' in criterion) needClass(options, option);
  if ('metric' in criterion) {
    known('metric', criterion.metric, [...metricNames, ...options.metrics.keys()], option, 'metrics');
  }
  if ('scorer' in criterion) {
    known('scorer', criterion.scorer, [...options.scorers.keys()], option, 'scorers');
  }
}

function needClass({ requesterClass }: ResolvedOptions, option: string): void {
  if (requesterClass !== undefined) return;
  throw new OptionMissingError(
    'requesterClass',
    `${option} goes by classes of requesters; say which one a request has: requesterClass: (req) => req.auth?.plan`,
  );
}

function known(kind: string, name: string, names: readonly string[], option: string, where: string): void {
  if (names.includes(name)) return;
  const meant = nearestName(name, names);
  const question = meant === undefined ? '' : `did you mean ${quoted(meant)}? `;
  const list = names.length === 0 ? 'there are none' : `known are ${names.join(', ')}`;
  throw new OptionContradictionError(
    option,
    `${quoted(name)} is no ${kind}; ${question}${list}; your own are given by the option ${where}`,
  );
}
