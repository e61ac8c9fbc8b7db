/** `npm run soak`: see {@link help}. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseKeyFile } from '../../../packages/middleware/src/ledger/keys.ts';
import { openSigner } from '../../../packages/middleware/src/ledger/signer.ts';
import { chaosHelp, runChaos } from '../chaos/run-chaos.ts';
import { seededRandom } from '../random.ts';
import { readStoredLedger, type StoredLedger } from '../stored-ledger.ts';
import { checkLedger, type Found } from './check-ledger.ts';

const help = `Kills processes that accept and perform deferrals, with SIGKILL at random instants, and verifies the whole ledger from
its stored bytes after each.

  npm run soak                    200 kills, in three to ten minutes
  npm run soak -- --kills 50      so many, 1 to 10,000
  npm run soak -- --seed 4711     the same instants again, as far as processes can be told when to die
${chaosHelp}
Ends with 1, and keeps the directory, at the first thing that is wrong.
`;

const child = fileURLToPath(new URL('soak-child.ts', import.meta.url));
/** From its first acceptance on, or, for one in four, from its start on: opening is hit, too. */
const lifeMs = { least: 5, most: 500 } as const;
const startMs = { least: 50, most: 700 } as const;
const whileStarting = 0.25;
/** A new ledger after so many, or verifying would take most of the time. */
const killsPerLedger = 25;
const mostKills = 10_000;

interface Running {
  /** Resolves when it has said something, or is gone. */
  readonly begun: Promise<unknown>;
  kill(): void;
  /** Resolves when it is gone and all that it said was read. */
  ended(): Promise<void>;
}

interface Told {
  readonly accepted: Set<string>;
  readonly performed: Set<string>;
}

function run(directory: string, told: Told, ...args: readonly string[]): Running {
  const started = spawn(process.execPath, ['--no-warnings', child, directory, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let complaint = '';
  started.stdout.on('data', (chunk) => {
    said += chunk;
  });
  started.stderr.on('data', (chunk) => {
    complaint += chunk;
  });
  const closed = once(started, 'close');
  return {
    begun: Promise.race([once(started.stdout, 'data'), closed]),
    kill: () => void started.kill('SIGKILL'),
    async ended(): Promise<void> {
      const [code, signal] = await closed;
      // The last line may be cut off, and then it was not said.
      for (const line of said.split('\n').slice(0, -1)) {
        const [what, id = ''] = line.split(' ');
        if (what === 'accepted' || what === 'performed') told[what].add(id);
      }
      if (signal !== 'SIGKILL' && code !== 0) throw new Error(`it ended by itself (${code}): ${complaint}`);
    },
  };
}

function verifierKeyIn(directory: string): string | undefined {
  if (!existsSync(directory)) return undefined;
  const name = readdirSync(directory).find((each) => /^keys-.*\.json$/.test(each));
  return name && openSigner(parseKeyFile(readFileSync(join(directory, name)))).verifierKey;
}

/** Undefined where the process was killed before there was a ledger. */
function stored(directory: string, scratch: string): StoredLedger | undefined {
  try {
    return readStoredLedger(directory, scratch, 'soak');
  } catch (error) {
    if (/no such table|unable to open/.test(String(error))) return undefined;
    throw error;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** How often the work of each deferral was done. */
function workIn(file: string): ReadonlyMap<string, number> {
  if (!existsSync(file)) return new Map();
  const database = new DatabaseSync(file, { timeout: 20_000 });
  try {
    const rows = database.prepare('SELECT id, count(*) AS times FROM work GROUP BY id').all();
    return new Map(rows.map(({ id, times }) => [String(id), Number(times)]));
  } catch (error) {
    if (/no such table/.test(String(error))) return new Map();
    throw error;
  } finally {
    database.close();
  }
}

async function soak(
  kills: number,
  random: ReturnType<typeof seededRandom>,
  show: (text: string) => void,
): Promise<Total> {
  const total: Total = { entries: 0, blocks: 0, accepted: 0, unacknowledged: 0, ledgers: 0 };
  for (let killed = 0; killed < kills; ) {
    const folder = mkdtempSync(join(tmpdir(), 'slackwater-soak-'));
    const directory = join(folder, 'ledger');
    const told: Told = { accepted: new Set(), performed: new Set() };
    let found: Found | undefined;
    const check = (drained = false): void => {
      const verifierKey = verifierKeyIn(directory);
      if (verifierKey === undefined) return;
      const ledger = stored(directory, join(folder, 'copy'));
      if (ledger === undefined) return;
      found = checkLedger(ledger, told, workIn(join(folder, 'application.db')), {
        verifierKey,
        oldCheckpoint: found?.checkpoint,
        drained,
      });
    };
    try {
      // Now and then two at once write the same ledger, and both are killed.
      for (const last = Math.min(kills, killed + killsPerLedger); killed < last; ) {
        const both = random.between(0, 1) < 0.3 && last - killed > 1;
        const running = Array.from({ length: both ? 2 : 1 }, () => run(directory, told));
        for (const one of running) {
          const starting = random.between(0, 1) < whileStarting;
          if (!starting) await one.begun;
          const { least, most } = starting ? startMs : lifeMs;
          await sleep(random.between(least, most));
          one.kill();
          killed += 1;
        }
        for (const one of running) await one.ended();
        check();
        show(`${killed} of ${kills} kills, ${found?.entries ?? 0} entries verified`);
      }
      await run(directory, told, 'drain').ended();
      check(true);
      if (found !== undefined) add(total, found, told);
    } catch (error) {
      throw new Error(`after ${killed} kills: ${String(error)}; kept: ${folder}`, { cause: error });
    }
    rmSync(folder, { recursive: true, force: true });
  }
  return total;
}

interface Total {
  entries: number;
  blocks: number;
  accepted: number;
  unacknowledged: number;
  ledgers: number;
}

function add(total: Total, found: Found, told: Told): void {
  total.entries += found.entries;
  total.blocks += found.blocks;
  total.accepted += told.accepted.size;
  total.unacknowledged += found.unacknowledged;
  total.ledgers += 1;
}

async function main(): Promise<void> {
  const [first, ...others] = process.argv.slice(2);
  if (first === 'chaos') {
    if (!(await runChaos(others))) process.exitCode = 1;
    return;
  }
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h' },
      kills: { type: 'string', default: '200' },
      seed: { type: 'string' },
    },
  });
  const kills = Number(values.kills);
  if (values.help === true) return void process.stdout.write(help);
  if (!Number.isInteger(kills) || kills < 1 || kills > mostKills) {
    throw new Error(`--kills ${values.kills}: give a whole number from 1 to ${mostKills}`);
  }
  const random = seededRandom(values.seed);
  const startedAt = performance.now();
  process.stderr.write(`seed ${random.seed}\n`);
  const show = (text: string): void =>
    void process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : '');
  const total = await soak(kills, random, show);
  show('');
  const tookS = Math.round((performance.now() - startedAt) / 1_000);
  process.stdout.write(
    `${kills} kills in ${tookS} s (seed ${random.seed}): ${total.accepted} acknowledged acceptances, none lost; ` +
      `${total.unacknowledged} recorded whose callers had been cut off; ${total.entries} entries in ${total.blocks} blocks of ` +
      `${total.ledgers} ledgers, verified from their bytes after each kill; all performed once\n`,
  );
}

await main().catch((error: unknown) => {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
