import type { TaskFailing, TaskFailure } from '@slackwater/shared';
import type { Clock } from '../clock.ts';
import type { EngineLog } from '../engines/log.ts';
import type { EngineStore } from '../engines/store.ts';
import type { OperationRecords } from '../ledger/operation-records.ts';
import type { KeptFailure } from './failure-index.ts';
import { countInWindow, type FailureRule } from './failure-rule.ts';
import { readable } from './failures-in.ts';
import type { StoredRuns } from './stored-runs.ts';

// That tasks of a type fail too often is an entry of its own, and webhooks tell of that entry. By crash point:
//
//   issue   failures/issue/<position>/<rule>, created    of several hosts one does it. Crash after: who comes next looks in the log for the entry,
//                                                        and records it where it is not there
//   entry   recorded                                     crash after: the same, and finds it
//   issue   noted as recorded

const mostSamples = 5;
const mostHosts = 20;
/** A chain is recorded in one go: its blocks are close to where its run begins. */
const entriesToChain = 2_000;
const perRead = 500;
/** Longer than any page is read again after a crash. */
const issueKeptMs = 7 * 24 * 3_600_000;

/** What telling takes. */
export interface TellParts {
  readonly clock: Pick<Clock, 'wallNow'>;
  readonly log: Pick<EngineLog, 'read' | 'size'>;
  readonly store: EngineStore;
  readonly records: Pick<OperationRecords, 'newId' | 'recordFailing'>;
  readonly stored: Pick<StoredRuns, 'live' | 'done'>;
  /** It is recorded. */
  readonly tell: (event: TaskFailingEvent) => void;
}

/** That a type of task fails too often, when it is recorded. */
export interface TaskFailingEvent extends TaskFailing {
  /** Of its entry, and in webhooks. */
  readonly id: string;
  readonly application: string;
}

interface Issue {
  readonly id: string;
  /** Its entry stands there or later. */
  readonly from: number;
  readonly isRecorded: boolean;
}

/** Records, once, that a type of task fails too often with the first of these failures, which are the newest first. Rejects with an `EngineError`. */
export async function tellFailing(
  parts: TellParts,
  task: string,
  rule: FailureRule,
  failures: readonly KeptFailure[],
): Promise<void> {
  const { store, clock, log, records } = parts;
  const position = failures[0]?.position ?? 0;
  const key = `failures/issue/${position}/${rule.count}-${rule.windowMs}`;
  const expiresAt = clock.wallNow() + issueKeptMs;
  const fresh: Issue = { id: records.newId(), from: await log.size(), isRecorded: false };
  const created = await store.create(key, encode(fresh), { expiresAt });
  const issue = created === undefined ? decode((await store.get(key))?.value) : fresh;
  if (issue === undefined || issue.isRecorded) return;
  const isThere = created === undefined && (await isInLog(log, issue));
  if (!isThere) {
    const failing = await failingOf(parts, task, rule, failures);
    const { application } = await records.recordFailing(issue.id, failing);
    parts.tell({ id: issue.id, application, ...failing });
  }
  await store.put(key, encode({ ...issue, isRecorded: true }), { expiresAt });
}

async function failingOf(
  parts: TellParts,
  task: string,
  rule: FailureRule,
  failures: readonly KeptFailure[],
): Promise<TaskFailing> {
  const count = countInWindow(
    failures.map(({ at }) => at),
    rule,
  );
  const counted = failures.slice(0, count);
  const hosts = [...new Set(counted.flatMap(({ host }) => host ?? []))].slice(0, mostHosts);
  return {
    task,
    count,
    threshold: rule.count,
    windowMs: rule.windowMs,
    position: counted[0]?.position ?? 0,
    hosts,
    failures: await Promise.all(counted.slice(0, mostSamples).map((one) => sampleOf(parts, one))),
  };
}

async function sampleOf({ log, stored }: TellParts, failure: KeptFailure): Promise<TaskFailure> {
  const { blockId, at, run, ...said } = failure;
  const kept = (await stored.live(run))?.run ?? (await stored.done(run));
  const block = kept && (await blockFrom(log, kept.from, blockId));
  const place = block && { operation: block.operation, version: block.version, stage: block.stage };
  return { run, ...place, ...said, at: new Date(at).toISOString() };
}

async function blockFrom(log: TellParts['log'], from: number, blockId: string) {
  const needle = Buffer.from(JSON.stringify(blockId), 'utf8');
  for (let position = from; position < from + entriesToChain; ) {
    const entries = await log.read(position, perRead);
    for (const bytes of entries) {
      const block = mentions(bytes, needle) ? readable(bytes)?.step?.block : undefined;
      if (block?.id === blockId) return block;
    }
    if (entries.length === 0) return undefined;
    position += entries.length;
  }
  return undefined;
}

async function isInLog(log: TellParts['log'], { id, from }: Issue): Promise<boolean> {
  const needle = Buffer.from(JSON.stringify(id), 'utf8');
  for (let position = from; ; ) {
    const entries = await log.read(position, perRead);
    if (entries.some((bytes) => mentions(bytes, needle) && readable(bytes)?.type === 'task-failing'))
      return true;
    if (entries.length === 0) return false;
    position += entries.length;
  }
}

function mentions(bytes: Uint8Array, needle: Buffer): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(needle);
}

function encode(issue: Issue): Uint8Array {
  return Buffer.from(JSON.stringify({ v: 1, ...issue }), 'utf8');
}

/** One that can't be read was written whole by nobody: it counts as told. */
function decode(value: Uint8Array | undefined): Issue | undefined {
  try {
    const { v, ...issue } = JSON.parse(Buffer.from(value ?? []).toString('utf8')) as Issue & { v: unknown };
    return v === 1 ? issue : undefined;
  } catch {
    return undefined;
  }
}
