/** `npm run simulate`: see {@link help} for what can be asked for. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { readArguments, type Wish } from './arguments.ts';
import { pictureOf } from './picture.ts';
import { progressTo } from './progress.ts';
import { type ReadScenario, readScenario } from './read-scenario.ts';
import { simulate } from './simulate.ts';
import { tableOf } from './table.ts';

const help = `Runs the gate's own measuring, deciding and pacing on a virtual clock, against modelled partitions and callers.

  npm run simulate -- --scenario <file>   a scenario as JSON; simulator/scenarios has some
  npm run simulate -- --json              one JSON object instead of a table
  npm run simulate -- --svg <file>        writes a picture, too

The same scenario gives the same report, whatever the machine. docs/simulator.md says what scenarios are made of, what the
report means, and what those in simulator/scenarios show.
`;

const misunderstood = 2;

/** What was asked for, and what it is to be done with; undefined where that was not understood. */
function understand(): { readonly wish: Wish; readonly read: ReadScenario | undefined } | undefined {
  let file = '';
  try {
    const wish = readArguments(process.argv.slice(2));
    if (wish.kind === 'help') return { wish, read: undefined };
    file = wish.scenario;
    return { wish, read: readScenario(JSON.parse(readFileSync(file, 'utf8'))) };
  } catch (error) {
    const told = error instanceof Error ? error.message : String(error);
    process.stderr.write(`simulate: ${file === '' ? '' : `${file}: `}${told}\n`);
    process.exitCode = misunderstood;
    return undefined;
  }
}

const understood = understand();
if (understood?.wish.kind === 'help') process.stdout.write(help);
else if (understood?.wish.kind === 'simulate' && understood.read !== undefined) {
  const { wish, read } = understood;
  const progress = progressTo(process.stderr, read.scenario.durationMs, () => performance.now());
  const report = await simulate(read, progress);
  progress.end();
  if (wish.svg !== undefined) {
    const title = basename(wish.scenario, '.json').replaceAll('-', ' ');
    try {
      writeFileSync(wish.svg, pictureOf(title, read.scenario, report));
    } catch (error) {
      process.stderr.write(
        `simulate: ${error instanceof Error ? error.message : String(error)}; name another file\n`,
      );
      process.exitCode = 1;
    }
  }
  process.stdout.write(wish.json ? `${JSON.stringify(report)}\n` : tableOf(report));
}
