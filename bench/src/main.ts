/** `npm run bench`: see {@link help} for what can be asked for. */
import { acceptance } from './acceptance/acceptance.ts';
import { readArguments, type Wish } from './arguments.ts';
import { audit } from './audit/audit.ts';
import type { Benchmark, Figure } from './benchmark.ts';
import { decision } from './decision/decision.ts';
import { drain } from './drain/drain.ts';
import { driver } from './driver/driver.ts';
import { engine } from './engine/postgres-engine.ts';
import { growth } from './growth/growth.ts';
import { ledger } from './ledger/ledger.ts';
import { operations } from './operations/operations.ts';
import { progressTo } from './progress.ts';
import { figureLines, type Machine, machineLine, thisMachine } from './report.ts';
import { route } from './route/route.ts';
import { sdk } from './sdk/sdk.ts';
import { shared } from './shared/shared.ts';
import { verifying } from './verify/verify.ts';

const benchmarks: readonly Benchmark[] = [
  route,
  driver,
  acceptance,
  decision,
  growth,
  drain,
  shared,
  engine,
  ledger,
  audit,
  verifying,
  operations,
  sdk,
];

const help = `What Slackwater costs, beside the same without it. Compare only within one run.

  npm run bench                     everything, in five to seven minutes
  npm run bench -- --only <name>    one of these; may be given several times:
${benchmarks.map(({ name, title }) => `      ${name.padEnd(12)}${title}`).join('\n')}
  npm run bench -- --quick          fewer and shorter rounds: to see that it runs, not to quote
  npm run bench -- --json           one JSON object instead of tables
  npm run bench -- --only ledger --entries 10000000   how large the ledger grows: 1,000,000 unless it is said; ten million are 2 GB
  npm run bench -- --only ledger --curves docs/benchmarks   writes how its costs grow as SVG

Each pair is measured in turn (A B, B A, A B ...). A ratio is the median over the rounds; its interval of 95 % follows from
their order. A target is "unclear" where the interval reaches to both sides of it. docs/benchmarks.md says more.
`;

const misunderstood = 2;

function understand(): Wish | undefined {
  try {
    return readArguments(
      process.argv.slice(2),
      benchmarks.map(({ name }) => name),
    );
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = misunderstood;
    return undefined;
  }
}

interface Measured {
  readonly name: string;
  readonly title: string;
  readonly figures: readonly Figure[];
}

async function measureAll(
  { quick, json, only, entries, curves }: Wish,
  machine: Machine,
): Promise<readonly Measured[]> {
  const progress = progressTo(process.stderr);
  const wanted = benchmarks.filter(({ name }) => only.length === 0 || only.includes(name));
  const all: Measured[] = [];
  if (!json) process.stdout.write(`${machineLine(machine)}\n`);
  for (const { name, title, measure } of wanted) {
    progress.say(`measuring ${name} ...`);
    const figures = await measure({
      quick,
      entries,
      curves,
      progress: (text) => progress.show(`${name}: ${text}`),
    });
    progress.say('');
    if (!json) process.stdout.write(`\n${figureLines(title, figures).join('\n')}\n`);
    all.push({ name, title, figures });
  }
  return all;
}

const wish = understand();
if (wish?.help === true) process.stdout.write(help);
else if (wish !== undefined) {
  const machine = thisMachine();
  const startedAt = performance.now();
  const all = await measureAll(wish, machine);
  const tookS = Math.round((performance.now() - startedAt) / 1_000);
  if (wish.json)
    process.stdout.write(
      `${JSON.stringify({ machine, quick: wish.quick, tookS, benchmarks: all }, null, 2)}\n`,
    );
  else process.stdout.write(`\n${tookS} s${wish.quick ? '; quick: not to be quoted' : ''}\n`);
  process.exit();
}
