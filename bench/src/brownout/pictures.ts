import type { Panel, Series, SeriesPicture } from '../pictures/series-picture.ts';
import { paymentsWhileSlow, promptMs } from './figures.ts';
import type { Round } from './round.ts';
import { type Phases, workTypeNames } from './scenario.ts';
import { type Seconds, secondsOf } from './seconds.ts';

/** The rounds as pictures: what became of calls in each second, and how long payments took. */
export function picturesOf(rounds: readonly Round[], phases: Phases): readonly SeriesPicture[] {
  const { healthyMs, slowMs, afterMs } = phases;
  const lastMs = healthyMs + slowMs + afterMs;
  const x = Array.from({ length: lastMs / 1_000 }, (_, second) => second + 0.5);
  const shared = {
    kind: 'series',
    x: { label: 'seconds' },
    bands: [{ from: healthyMs / 1_000, to: (healthyMs + slowMs) / 1_000, label: 'commits 20 times slower' }],
  } as const;
  const panels = (
    series: (round: Round) => readonly Series[],
    subtitle: (round: Round) => string,
  ): readonly Panel[] =>
    rounds.map((round) => ({ title: round.contender, subtitle: subtitle(round), x, series: series(round) }));
  return [
    {
      ...{ ...shared, name: 'brownout', sameY: true, y: { label: 'calls per second' } },
      title: 'A database that is slow for a while: what becomes of calls in each second',
      panels: panels((round) => endings(secondsOf(round.calls, lastMs)), allInWords),
    },
    {
      ...{ ...shared, name: 'brownout-payments', y: { label: 'payments per second' }, sameY: true },
      title: 'The same, payments alone: the most important calls',
      panels: panels(
        (round) => endings(secondsOf(round.calls, lastMs, workTypeNames[0])),
        (round) => paymentsInWords(round, phases),
      ),
    },
  ];
}

function endings({ begun, answered, failed, timedOut }: Seconds): readonly Series[] {
  return [
    { label: 'answered', as: 'area', tone: 'good', y: answered },
    { label: 'failed', as: 'area', tone: 'bad', y: failed },
    { label: 'timed out', as: 'area', tone: 'worse', y: timedOut },
    { label: 'begun', as: 'line', tone: 'plain', y: begun },
  ];
}

function allInWords({ calls, effects }: Round): string {
  const answered = calls.filter(({ ending }) => ending === 'answered').length;
  const share = ((100 * answered) / calls.length).toFixed(1);
  return `${share} % answered; ${effects.repeated} done twice; ${effects.lost} lost`;
}

/** Second by second, of each contender: by work type what began and how it ended, and how many requests were sent. */
export function dataOf(rounds: readonly Round[], { healthyMs, slowMs, afterMs }: Phases): object {
  const lastMs = healthyMs + slowMs + afterMs;
  return Object.fromEntries(
    rounds.map(({ contender, calls, sent }) => {
      const seconds = workTypeNames.map((workType) => [workType, secondsOf(calls, lastMs, workType)]);
      return [contender, { sent, ...Object.fromEntries(seconds) }];
    }),
  );
}

function paymentsInWords({ calls }: Round, phases: Phases): string {
  const { begun, prompt } = paymentsWhileSlow(calls, phases);
  return `while slow ${((100 * prompt) / begun).toFixed(0)} % answered within ${promptMs / 1_000} s`;
}
