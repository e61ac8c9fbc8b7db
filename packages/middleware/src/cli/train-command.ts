import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { gateDefaults } from '../options/options.ts';
import type { ModelFile } from '../scorers/model-file.ts';
import { type Example, type FeatureNames, trainLogistic } from '../scorers/train-logistic.ts';
import type { Command } from './command.ts';
import { CommandFailed } from './failures.ts';
import { placeOf } from './places.ts';
import { showProgress } from './progress.ts';
import { readOptions, usage } from './read-options.ts';
import { readSecret } from './secret-file.ts';
import { readHistory } from './train/history.ts';
import { qualityOf } from './train/quality.ts';
import { ledgerOf, withOpen } from './which-ledger.ts';

const help = `Usage: slackwater train --ledger URL --out FILE [--waited-ms MS] [--application NAME] [--group NAME] [--keys FILE]

Trains a model for modelScorer({ file }) from a ledger's own history: how probable it is that a request has to wait
before the database takes it. Its score is that probability.

It learns from deferrals whose first attempt has begun, by method, route, work type, partition, class of requester, hour and
weekday (UTC), and the metrics in their entries. One had to wait where its first attempt began more than --waited-ms
after its acceptance, or failed and was to be repeated. What was performed at once is in no ledger, so the model knows
nothing of it: docs/candidates.md says what that means. Each fifth deferral is held back to judge the model.

  --ledger URL        where the ledger is, as for copy: sqlite:DIRECTORY, nats:HOST:PORT,..., postgres://USER@HOST/DB
                      The application may go on meanwhile
  --out FILE          the model, JSON; written over
  --waited-ms MS      from which wait on a deferral had to wait; 1000 if not given
  --application NAME  the gate's option "application"; needed where the source can't tell, or has several
  --group NAME        the gate's option "group"; ${gateDefaults.group} if not given
  --keys FILE         the ledger's key file, where the engine is given its keys

Prints one line of JSON: file, version, examples, waited, unfinished, and the model's quality.
`;

/** With fewer of either kind there is nothing to tell them apart by. */
const leastOfEach = 20;

const learnsFrom: Omit<FeatureNames, 'numbers'> = {
  categories: ['method', 'route', 'workType', 'partition', 'requesterClass', 'hour', 'weekday'],
};

/** `slackwater train`: makes a model of a ledger's history. */
export const trainCommand: Command = {
  summary: "trains a model for modelScorer from a ledger's history",
  help,
  async run(args, { stdout, stderr, clock }) {
    const options = readOptions('train', args, [
      'ledger',
      'out',
      'waited-ms',
      'application',
      'group',
      'keys',
    ]);
    if (options.ledger === undefined) throw usage('train', '--ledger is missing');
    if (options.out === undefined) throw usage('train', '--out is missing');
    const waitedMs = Number(options['waited-ms'] ?? 1_000);
    if (!Number.isFinite(waitedMs) || waitedMs < 0) {
      throw usage(
        'train',
        `--waited-ms ${JSON.stringify(options['waited-ms'])} is no number of milliseconds`,
      );
    }
    const place = placeOf('ledger', options.ledger);
    const ledger = ledgerOf('train', place, options);
    if (place.keyFile === undefined && options.keys === undefined) {
      throw usage('train', `--keys is missing; ${place.shown} keeps no keys`);
    }
    const keys = options.keys === undefined ? new Uint8Array(0) : await readSecret(options.keys);
    const progress = showProgress(stderr, clock);
    const onTrouble = (doing: string, error: unknown): void =>
      progress.say(`${doing}: ${error instanceof Error ? error.message : String(error)}`);
    const { examples, unfinished, entries } = await withOpen(
      place,
      keys,
      { ...ledger, clock, onTrouble },
      (engine) => readHistory(engine, waitedMs, (done, of) => progress.report('reading entries', done, of)),
    ).finally(() => progress.end());
    checkEnough(examples);
    const model = makeModel(examples, {
      waitedMs,
      entries,
      unfinished,
      trainedAt: new Date(clock.wallNow()),
    });
    await writeFile(options.out, `${JSON.stringify(model, undefined, 2)}\n`);
    const told = { file: options.out, version: model.version, ...model.training };
    stdout.write(`${JSON.stringify(told)}\n`);
  },
};

function checkEnough(examples: readonly Example[]): void {
  const waited = examples.filter(({ label }) => label).length;
  if (Math.min(waited, examples.length - waited) >= leastOfEach) return;
  throw new CommandFailed(
    `of ${examples.length} deferrals that were tried, ${waited} had to wait: it takes ${leastOfEach} that had to and ${leastOfEach} that had not. ` +
      'Train later, or choose another --waited-ms',
  );
}

function makeModel(
  examples: readonly Example[],
  about: {
    readonly waitedMs: number;
    readonly entries: number;
    readonly unfinished: number;
    readonly trainedAt: Date;
  },
): ModelFile {
  const names: FeatureNames = { ...learnsFrom, numbers: metricNamesOf(examples) };
  const unseen = examples.filter((_, at) => at % 5 === 4);
  const quality = qualityOf(
    trainLogistic(
      examples.filter((_, at) => at % 5 !== 4),
      names,
    ),
    unseen,
  );
  const { intercept, features } = trainLogistic(examples, names);
  const trainedAt = about.trainedAt.toISOString();
  const digest = createHash('sha256')
    .update(JSON.stringify({ intercept, features }))
    .digest('hex')
    .slice(0, 8);
  return {
    v: 1,
    kind: 'logistic-regression',
    version: `${trainedAt.slice(0, 10)}-${digest}`,
    predicts: `that a request has to wait more than ${about.waitedMs} ms, or to be tried again`,
    training: {
      trainedAt,
      entries: about.entries,
      examples: examples.length,
      waited: examples.filter(({ label }) => label).length,
      unfinished: about.unfinished,
      quality,
    },
    intercept,
    features,
  };
}

function metricNamesOf(examples: readonly Example[]): readonly string[] {
  const names = new Set<string>();
  for (const { facts } of examples)
    for (const name of Object.keys(facts['metrics'] ?? {})) names.add(`metrics.${name}`);
  return [...names].sort();
}
