/** `npm run bench`: see {@link help} for what can be asked for. */
import { readArguments, type Wish } from './arguments.ts';
import { benchmarks } from './benchmarks.ts';
import { writePages } from './pages/page-files.ts';
import { progressTo } from './progress.ts';
import { figureLines, machineLine, thisMachine } from './report.ts';
import type { Result } from './results/result.ts';
import { writeResult } from './results/result-files.ts';
import { take } from './take.ts';

const help = `What Slackwater costs and what it is worth, beside the same without it. Compare only within one run.

  npm run bench                     everything
  npm run bench -- <name> ...       some of these:
${benchmarks.map(({ name, title }) => `      ${name.padEnd(12)}${title}`).join('\n')}
  npm run bench -- --quick          fewer and shorter rounds: to see that it runs, not to quote
  npm run bench -- --json           one JSON object instead of tables
  npm run bench -- --save           keeps the results in docs/benchmarks/results and makes pages and pictures anew
  npm run bench -- ledger --entries 10000000   how large the ledger grows: 1,000,000 unless it is said; ten million are 2 GB
  npm run bench:check               compares a few ratios with those that were kept, in seconds; npm test ends with it
  npm run bench:pages               makes pages and pictures anew from the results that were kept

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

/** What could not be taken is said, and keeps nobody from the rest: nobody may be there to begin again. */
async function takeAll({ quick, json, save, only, entries }: Wish): Promise<readonly Result[]> {
  const progress = progressTo(process.stderr);
  const wanted = benchmarks.filter(({ name }) => only.length === 0 || only.includes(name));
  const all: Result[] = [];
  for (const benchmark of wanted) {
    const { name } = benchmark;
    progress.say(`measuring ${name} ...`);
    try {
      const result = await take(benchmark, {
        ...{ quick, entries },
        progress: (text) => progress.show(`${name}: ${text}`),
      });
      progress.say('');
      if (!json) process.stdout.write(`\n${figureLines(result.title, result.figures).join('\n')}\n`);
      if (save) writeResult(result);
      all.push(result);
    } catch (error) {
      progress.say(`${name} was not taken: ${error instanceof Error ? error.stack : String(error)}`);
      process.exitCode = 1;
    }
  }
  return all;
}

const wish = understand();
if (wish?.help === true) process.stdout.write(help);
else if (wish !== undefined) {
  const machine = thisMachine();
  const startedAt = performance.now();
  if (!wish.json) process.stdout.write(`${machineLine(machine)}\n`);
  const results = await takeAll(wish);
  const tookS = Math.round((performance.now() - startedAt) / 1_000);
  if (wish.json)
    process.stdout.write(
      `${JSON.stringify({ machine, quick: wish.quick, tookS, benchmarks: results }, null, 2)}\n`,
    );
  else process.stdout.write(`\n${tookS} s${wish.quick ? '; quick: not to be quoted' : ''}\n`);
  if (wish.save) for (const path of writePages()) process.stderr.write(`${path} is made anew\n`);
  process.exit();
}
