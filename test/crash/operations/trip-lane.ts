import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Found, FoundRun, Order, Taken } from './trip-child.ts';

const program = fileURLToPath(new URL('trip-child.ts', import.meta.url));

/** What became of an operation over which its process killed itself. */
export interface Outcome {
  /** Whether it died by its own hand. */
  readonly wasReached: boolean;
  /** Undefined where it died before there was a run. */
  readonly run: FoundRun | undefined;
  readonly isVerified: boolean;
}

/** One ledger, and the processes that one after the other live on it: each goes on with what the one before left. */
export class TripLane {
  readonly #directory = mkdtempSync(join(tmpdir(), 'slackwater-trips-'));
  readonly #seen = new Set<string>();

  /** The steps that operations take over which nobody dies. */
  async stepsOf(...orders: readonly Order[]): Promise<readonly (readonly string[])[]> {
    const { lines, ended } = await this.#live(orders);
    if (ended !== 0) throw new Error(`The process ended with ${ended}.`);
    return lines.slice(1).map((line) => (line as Taken).steps);
  }

  /** Has one process after the other die at a step, and the next go on: an outcome for each order. */
  async outcomesOf(orders: readonly Order[]): Promise<readonly Outcome[]> {
    const reached: boolean[] = [];
    const found: Found[] = [];
    for (const order of [...orders, undefined]) {
      const { lines, ended } = await this.#live(order === undefined ? [] : [order]);
      found.push(lines[0] as Found);
      reached.push(ended === 'SIGKILL' && lines.length === 1);
    }
    this.#unseen(found[0]);
    return orders.map((_, at) => {
      const [run, more] = this.#unseen(found[at + 1]);
      if (more !== undefined) throw new Error('An operation had two runs.');
      return { wasReached: reached[at] === true, run, isVerified: found[at + 1]?.isVerified === true };
    });
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #unseen(found: Found | undefined): readonly FoundRun[] {
    const all = (found?.runs ?? []).filter(({ id }) => !this.#seen.has(id));
    for (const { id } of all) this.#seen.add(id);
    return all;
  }

  async #live(orders: readonly Order[]): Promise<{ lines: readonly unknown[]; ended: unknown }> {
    const child = spawn(process.execPath, [program, this.#directory, JSON.stringify(orders)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    process.removeListener('exit', kill);
    const lines = said
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown);
    return { lines, ended: signal ?? code };
  }
}
