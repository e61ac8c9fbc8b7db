import { randomBytes } from 'node:crypto';
import type { BlockInput, BlockTask } from '@slackwater/shared';
import type { OperationOwner, OperationRecords } from '../ledger/operation-records.ts';
import { parseValues } from './check-answer.ts';
import type { FunctionRegistry } from './functions.ts';
import type { Values } from './operation.ts';
import type { Digests, RunState } from './run-state.ts';
import { schemasOf } from './task-functions.ts';

// The values of one run: in memory while it runs here, and kept sealed beside the ledger. Kept is what tasks answered, as JSON; what
// schemas make of it is made again when it is read. What is read is compared with its digest in the log.

const saltBytes = 16;

/** What is kept of an attempt. */
export interface KeptAttempt {
  /** What it answered; absent where that was nothing, or not what it declares. */
  readonly outputs?: Values;
  /** What it threw, or what is wrong with its outputs. */
  readonly issues?: readonly string[];
}

/** What is kept of a start. */
interface KeptStart {
  /** 16 random bytes, base64: what every digest of this run is made with. */
  readonly salt: string;
  readonly input: Values;
}

/** Base64 of SHA-256(salt || canonical JSON): given by the ledger, which is not imported here. */
export type ValueDigest = (salt: Uint8Array, value: unknown) => string;

/** What {@link RunValues} takes. */
export interface RunValuesParts {
  readonly records: Pick<OperationRecords, 'keep' | 'kept'>;
  readonly registry: FunctionRegistry;
  readonly digest: ValueDigest;
  /** Makes the error of a value that is not what was recorded. */
  readonly corrupt: (message: string) => Error;
}

/** The values of one run. */
export class RunValues {
  readonly #parts: RunValuesParts;
  readonly #owner: OperationOwner;
  /** As tasks are given them. */
  readonly #values = new Map<string, unknown>();
  #start: KeptStart | undefined;

  constructor(parts: RunValuesParts, owner: OperationOwner) {
    this.#parts = parts;
    this.#owner = owner;
  }

  /** Keeps what the run is started with. */
  async begin(input: Values, values: Values): Promise<void> {
    this.#start = { salt: randomBytes(saltBytes).toString('base64'), input };
    for (const [label, value] of Object.entries(values)) this.#values.set(label, value);
    await this.#parts.records.keep(this.#owner, 'start', JSON.stringify(this.#start));
  }

  /** What entries say of values. */
  async digests(raw: Values): Promise<Digests> {
    const salt = Buffer.from((await this.#started()).salt, 'base64');
    return Object.fromEntries(
      Object.entries(raw).map(([label, value]) => [label, this.#parts.digest(salt, value)]),
    );
  }

  /** Keeps what an attempt came to. `values` as others are given it, where it is valid. */
  async keepAttempt(task: string, attempt: number, kept: KeptAttempt, values: Values = {}): Promise<void> {
    for (const [label, value] of Object.entries(values)) this.#values.set(label, value);
    await this.#parts.records.keep(this.#owner, attemptName(task, attempt), JSON.stringify(kept));
  }

  /** Keeps what came from outside, beside what others may give under the same label: the log says which of them counts. */
  async keepGiven(raw: Values, digests: Digests): Promise<void> {
    for (const [label, value] of Object.entries(raw)) {
      const name = givenName(label, digests[label] ?? '');
      await this.#parts.records.keep(this.#owner, name, JSON.stringify(value));
    }
  }

  /** Keeps what is wrong with a stage. */
  async keepCheck(blockId: string, issues: Readonly<Record<string, readonly string[]>>): Promise<void> {
    await this.#parts.records.keep(this.#owner, `check/${blockId}`, JSON.stringify(issues));
  }

  /** What a task is given. Rejects with `record-corrupt` where a value is gone, or is not what was recorded; with `function-missing`. */
  async inputsOf(task: BlockTask, state: RunState): Promise<Values> {
    const labels = task.inputs.map(({ label }) => label);
    return this.valuesOf(labels, state, task.inputs);
  }

  /** Values by label. */
  async valuesOf(
    labels: readonly string[],
    state: RunState,
    inputs: readonly BlockInput[] = [],
  ): Promise<Values> {
    const values: [string, unknown][] = [];
    for (const label of labels) {
      if (!this.#values.has(label))
        await this.#load(
          label,
          state,
          inputs.find((one) => one.label === label),
        );
      values.push([label, this.#values.get(label)]);
    }
    return Object.fromEntries(values);
  }

  /** A value as it is kept, without what schemas make of it. Rejects with `record-corrupt` where it is gone, or is not what was recorded. */
  async rawOf(label: string, state: RunState): Promise<unknown> {
    const producer = producerOf(label, state);
    return producer === undefined ? this.#loadGiven(label, state) : this.#loadOutput(label, producer);
  }

  /** What is kept of an attempt at a task; nothing where nothing is. */
  async attempt(task: string, attempt: number): Promise<KeptAttempt> {
    const json = await this.#parts.records.kept(this.#owner, attemptName(task, attempt));
    return json === undefined ? {} : (JSON.parse(json) as KeptAttempt);
  }

  /** What was wrong with a stage, by check. */
  async checkIssues(blockId: string): Promise<Readonly<Record<string, readonly string[]>>> {
    const json = await this.#parts.records.kept(this.#owner, `check/${blockId}`);
    return json === undefined ? {} : (JSON.parse(json) as Readonly<Record<string, readonly string[]>>);
  }

  /** What a task is given, as entries say of it. */
  async digestsOf(task: BlockTask, state: RunState): Promise<Digests> {
    const digests: [string, string][] = [];
    for (const { label, from } of task.inputs) {
      const known = from === 'outside' ? state.given[label] : producerOf(label, state)?.digest;
      const digest = known ?? (await this.digests({ [label]: (await this.#started()).input[label] }))[label];
      if (digest !== undefined) digests.push([label, digest]);
    }
    return Object.fromEntries(digests);
  }

  async #load(label: string, state: RunState, input: BlockInput | undefined): Promise<void> {
    const producer = producerOf(label, state);
    const raw =
      producer === undefined ? await this.#loadGiven(label, state) : await this.#loadOutput(label, producer);
    const declared = producer?.task.outputs.find((one) => one.label === label) ?? input ?? { label };
    const { values, issues } = await parseValues(
      { [label]: raw },
      schemasOf([declared], this.#parts.registry),
    );
    if (issues.length > 0)
      throw this.#parts.corrupt(`value "${label}" was valid when it was given, and is not now`);
    this.#values.set(label, values[label]);
  }

  async #loadOutput(label: string, { task, attempt, digest }: Producer): Promise<unknown> {
    const { outputs } = await this.attempt(task.id, attempt);
    return this.#compared(label, outputs?.[label], digest);
  }

  async #loadGiven(label: string, state: RunState): Promise<unknown> {
    const digest = state.given[label];
    if (digest === undefined) return (await this.#started()).input[label];
    const json = await this.#parts.records.kept(this.#owner, givenName(label, digest));
    return this.#compared(label, json === undefined ? undefined : JSON.parse(json), digest);
  }

  async #compared(label: string, raw: unknown, digest: string | undefined): Promise<unknown> {
    const found = raw === undefined ? undefined : (await this.digests({ [label]: raw }))[label];
    if (found !== undefined && found === digest) return raw;
    throw this.#parts.corrupt(`value "${label}" is not the one whose digest is in the log`);
  }

  async #started(): Promise<KeptStart> {
    if (this.#start !== undefined) return this.#start;
    const json = await this.#parts.records.kept(this.#owner, 'start');
    if (json === undefined) throw this.#parts.corrupt('what it was started with is gone');
    this.#start = JSON.parse(json) as KeptStart;
    return this.#start;
  }
}

interface Producer {
  readonly task: BlockTask;
  readonly attempt: number;
  readonly digest: string | undefined;
}

/** Who gave a label, and succeeded. */
function producerOf(label: string, { blocks, tasks }: RunState): Producer | undefined {
  for (const { block } of blocks.values()) {
    const task = block.tasks.find(({ outputs }) => outputs.some((output) => output.label === label));
    const state = task && tasks.get(task.id);
    if (task !== undefined && state !== undefined)
      return { task, attempt: state.attempt, digest: state.gave[label] };
  }
  return undefined;
}

function attemptName(task: string, attempt: number): string {
  return `task/${attempt}/${task}`;
}

function givenName(label: string, digest: string): string {
  return `given/${digest}/${label}`;
}
