import type {
  Criterion,
  ForecastCriterion,
  MetricCriterion,
  RequesterClassCriterion,
  ScorerCriterion,
  UnavailableCriterion,
} from './candidates.ts';
import { OptionContradictionError, OptionInvalidError, OptionMissingError } from './option-error.ts';
import { entriesOf, type Read, type Readers, readGroup, within } from './read-group.ts';
import { arrayOf, milliseconds, number, oneOf, plainName, text } from './read-values.ts';

const classesAdvice = "give an array of classes, ['free']";

/** Names of classes of requesters. */
export const readClasses: Read<readonly string[]> = (value, option) => {
  const classes = arrayOf(text(100, 'a class'), 100, classesAdvice)(value, option);
  if (classes.length === 0) throw new OptionInvalidError(option, value, classesAdvice);
  return classes;
};

/** A figure that metrics and scores are compared with. */
const figure = number({ from: -1e15, to: 1e15, fractions: true });

const metricReaders: Readers<MetricCriterion> = { metric: plainName, over: figure };
const classReaders: Readers<RequesterClassCriterion> = { requesterClass: readClasses };
const forecastReaders: Readers<ForecastCriterion> = {
  forecast: oneOf(['requests', 'commits']),
  over: number({ from: 0, to: 1e9, of: 'requests or commits per second', fractions: true }),
  withinMs: milliseconds(1, 7 * 86_400_000),
  probability: number({ from: 0, to: 1, fractions: true }),
};
const unavailableReaders: Readers<UnavailableCriterion> = {
  unavailable: (value, option) => {
    if (value !== true) throw new OptionInvalidError(option, value, 'give true, or leave the criterion out');
    return value;
  },
};
const scorerReaders: Readers<ScorerCriterion> = {
  scorer: plainName,
  over: figure,
  labels: arrayOf(text(200, 'a label'), 100, "give an array of labels, ['later']"),
};

const advice =
  "give { requesterClass: ['free'] }, { metric: 'poolWaiters', over: 5 }, { forecast: 'requests', over: 100, withinMs: 60_000 }, " +
  "{ unavailable: true } or { scorer: 'risk', over: 0.5 }";

/** One criterion; its kind is told by the member that names it. */
export const readCriterion: Read<Criterion> = (value, option) => {
  const names = entriesOf(value, option, advice).map(([name]) => name);
  const kinds = (['requesterClass', 'metric', 'forecast', 'unavailable', 'scorer'] as const).filter((kind) =>
    names.includes(kind),
  );
  const [kind, second] = kinds;
  if (kind === undefined) throw new OptionInvalidError(option, value, `it is of no kind; ${advice}`);
  if (second !== undefined) {
    throw new OptionContradictionError(
      option,
      `it is ${kind} and ${second} at once; make two criteria of it`,
    );
  }
  return readers[kind](value, option);
};

const readers: Readonly<
  Record<'requesterClass' | 'metric' | 'forecast' | 'unavailable' | 'scorer', Read<Criterion>>
> = {
  requesterClass: (value, option) => {
    const { requesterClass } = readGroup<RequesterClassCriterion>(value, option, classReaders, { advice });
    return { requesterClass: required(option, 'requesterClass', requesterClass) };
  },
  metric: readMetric,
  forecast: (value, option) => {
    const given = readGroup<ForecastCriterion>(value, option, forecastReaders, { advice });
    return {
      forecast: required(option, 'forecast', given.forecast),
      over: required(option, 'over', given.over),
      withinMs: required(option, 'withinMs', given.withinMs),
      probability: given.probability ?? 0.5,
    };
  },
  unavailable: (value, option) => {
    readGroup<UnavailableCriterion>(value, option, unavailableReaders, { advice });
    return { unavailable: true };
  },
  scorer: (value, option) => {
    const { scorer, over, labels } = readGroup<ScorerCriterion>(value, option, scorerReaders, { advice });
    return {
      scorer: required(option, 'scorer', scorer),
      ...(over === undefined ? {} : { over }),
      ...(labels === undefined ? {} : { labels }),
    };
  },
};

function readMetric(value: unknown, option: string): MetricCriterion {
  const { metric, over } = readGroup<MetricCriterion>(value, option, metricReaders, { advice });
  const name = required(option, 'metric', metric);
  if (over === undefined && name !== 'commitLatencyMs') {
    throw new OptionMissingError(
      within(option, 'over'),
      `${name} has no threshold of its own; give the figure that it has to be over`,
    );
  }
  return over === undefined ? { metric: name } : { metric: name, over };
}

function required<Value>(option: string, name: string, value: Value | undefined): Value {
  if (value === undefined) throw new OptionMissingError(within(option, name), `it is needed; ${advice}`);
  return value;
}
