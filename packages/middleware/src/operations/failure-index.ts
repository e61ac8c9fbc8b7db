import { createHash } from 'node:crypto';
import type { OperationStep, StepEnd } from '@slackwater/shared';
import type { EngineStore } from '../engines/store.ts';

// The newest failures of each type of task, in the order of the log: failure/<hash of the task>/<position, 15 digits>, JSON. A cache of the log: what is written
// here of an entry is the same each time, and expires when no window can have it any more.

const digits = 15;
const perList = 1_000;
const hashCharacters = 22;
const parallel = 100;

/** A failure, as it is kept. */
export interface KeptFailure {
  readonly run: string;
  readonly blockId: string;
  readonly attempt: number;
  readonly end: StepEnd;
  readonly error: string;
  readonly host?: string;
  /** Unix milliseconds. */
  readonly at: number;
  /** Where its entry stands in the log. */
  readonly position: number;
}

/** The failures in one ledger's store. */
export class FailureIndex {
  readonly #store: EngineStore;

  constructor(store: EngineStore) {
    this.#store = store;
  }

  /** Keeps failures of a type of task until then, Unix milliseconds. */
  async keep(task: string, failures: readonly KeptFailure[], expiresAt: number): Promise<void> {
    for (let i = 0; i < failures.length; i += parallel) {
      await Promise.all(
        failures.slice(i, i + parallel).map((failure) => {
          const value = Buffer.from(JSON.stringify({ v: 1, ...failure }), 'utf8');
          return this.#store.put(keyOf(task, failure.position), value, { expiresAt });
        }),
      );
    }
  }

  /** The newest failures of a type of task before a position, the newest first. What is older than so many is forgotten. */
  async newestBefore(task: string, position: number, most: number): Promise<readonly KeptFailure[]> {
    const found: KeptFailure[] = [];
    for (let after: string | undefined = keyOf(task, position); after !== undefined; ) {
      const page = await this.#store.list(prefixOf(task), { limit: perList, reverse: true, after });
      after = page.at(-1)?.key;
      const room = most - found.length;
      found.push(...page.slice(0, Math.max(0, room)).flatMap(({ value }) => read(value) ?? []));
      const old = page.slice(Math.max(0, room));
      for (let i = 0; i < old.length; i += parallel) {
        await Promise.all(old.slice(i, i + parallel).map(({ key }) => this.#store.delete(key)));
      }
    }
    return found;
  }
}

/** What is kept of the end of a task. */
export function keptFailure(
  run: string,
  { blockId = '', attempt = 1, end = 'unknown', error = 'task-failed', host }: OperationStep,
  at: number,
  position: number,
): KeptFailure {
  return { run, blockId, attempt, end, error, ...(host !== undefined && { host }), at, position };
}

function prefixOf(task: string): string {
  return `failure/${createHash('sha256').update(task).digest('base64url').slice(0, hashCharacters)}/`;
}

function keyOf(task: string, position: number): string {
  return prefixOf(task) + String(position).padStart(digits, '0');
}

/** What nobody can read is no failure. */
function read(value: Uint8Array): KeptFailure | undefined {
  try {
    const { v, ...kept } = JSON.parse(Buffer.from(value).toString('utf8')) as KeptFailure & { v: unknown };
    const isWhole = [kept.at, kept.position, kept.attempt].every(Number.isSafeInteger);
    return v === 1 && isWhole && typeof kept.run === 'string' ? kept : undefined;
  } catch {
    return undefined;
  }
}
