import { parseArgs } from 'node:util';
import { seededRandom } from '../random.ts';
import { type ChaosReport, chaos } from './chaos.ts';

/** What `npm run soak -- chaos` says of itself. */
export const chaosHelp = `  npm run soak -- chaos           several hosts on one ledger, and everything goes wrong that may: two minutes of it
  npm run soak -- chaos --minutes 5 --hosts 4 --seed 4711
`;

const mostMinutes = 24 * 60;
const mostHosts = 16;

/** Runs it as the command line says, and tells what came of it. True where all is as it should be. */
export async function runChaos(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '2' },
      hosts: { type: 'string', default: '3' },
      seed: { type: 'string' },
    },
  });
  const minutes = within('--minutes', values.minutes, 0.1, mostMinutes);
  const hosts = within('--hosts', values.hosts, 1, mostHosts);
  const random = seededRandom(values.seed);
  process.stderr.write(`seed ${random.seed}\n`);
  const startedAt = performance.now();
  const show = (text: string): void => {
    const atS = Math.round((performance.now() - startedAt) / 1_000);
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${atS} s: ${text}\n`);
  };
  const report = await chaos({ hosts, forMs: minutes * 60_000, atLeast: 1, answersBetween: 8, random, show });
  process.stdout.write(`\n${linesOf(report).join('\n')}\n`);
  return wrongWith(report).length === 0;
}

/** What is not as it should be, each in one line; none where all is. */
export function wrongWith(report: ChaosReport): readonly string[] {
  const { lost, duplicated, overtaken, unsettled, strange, ledger } = report;
  return [
    ...lost.map((what) => `lost: ${what}`),
    ...duplicated.map((what) => `duplicated: ${what}`),
    ...overtaken.map((what) => `out of order: ${what}`),
    ...unsettled.map((what) => `not settled as done: ${what}`),
    ...strange.map((what) => `strange: ${what}`),
    ...(ledger.ok ? [] : [`the ledger does not verify: ${JSON.stringify(ledger)}`]),
  ];
}

function linesOf(report: ChaosReport): readonly string[] {
  const { happened, accepted, rows, replayed, answersLost, failed, hung, entries } = report;
  return [
    ...[...happened].map(([what, times]) => `${String(times).padStart(5)}  ${what}`),
    `${accepted} deferrals acknowledged, ${replayed} performed later; ${rows} rows written; ${entries} entries in the ledger`,
    `${answersLost} answers lost and asked for again, ${failed} routes failed without their database, ${hung} requests hung for 10 s`,
    `lost ${report.lost.length}, duplicated ${report.duplicated.length}, out of order ${report.overtaken.length}`,
    ...wrongWith(report),
  ];
}

function within(option: string, given: string, least: number, most: number): number {
  const value = Number(given);
  if (value >= least && value <= most) return value;
  throw new Error(`${option} ${given}: give a number from ${least} to ${most}`);
}
