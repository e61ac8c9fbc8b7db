/**
 * `npm run bench:check`, the end of `npm test`: whether a few ratios are much worse than they were when results were kept. In seconds, and
 * only what can be told soundly on a busy machine. What seems worse is looked at again, by a new process: noise passes, a regression stays.
 */
import type { Checked } from '../benchmark.ts';
import { benchmarks } from '../benchmarks.ts';
import { readResults } from '../results/result-files.ts';
import { explained, type Regression, regressionsOf } from './compare.ts';

const attempts = 3;

async function worseOf({ name, check }: Checked): Promise<readonly Regression[]> {
  const kept = readResults().get(name)?.figures ?? [];
  let worse: readonly Regression[] = [];
  for (let attempt = 1; attempt <= attempts; attempt++) {
    worse = regressionsOf(await check(), kept);
    if (worse.length === 0) return worse;
    process.stderr.write(`${name}: ${worse.length} seem worse, attempt ${attempt} of ${attempts}\n`);
  }
  return worse;
}

const startedAt = performance.now();
let compared = 0;
for (const benchmark of benchmarks) {
  const { name, check } = benchmark;
  if (check === undefined) continue;
  compared += 1;
  for (const regression of await worseOf({ name, check })) {
    process.stderr.write(`${explained(name, regression)}\n`);
    process.exitCode = 1;
  }
}
const tookS = ((performance.now() - startedAt) / 1_000).toFixed(1);
process.stdout.write(`${compared} benchmarks compared with what was kept, in ${tookS} s\n`);
