import type { LedgerReport } from '@slackwater/shared';
import { acceptor } from './accept.ts';
import { blockKey } from './block.ts';
import { changeAttempt, type PlanChange, workTypeChanger } from './change-work-types.ts';
import type { ChangedWorkTypes } from './changed-work-types.ts';
import { within } from './deadline.ts';
import type { Deferral, DeferralLedger } from './deferral.ts';
import { type Erasures, openErasures } from './erasures.ts';
import { noteHead } from './head-note.ts';
import { type ActOnPostponed, postponedLooker } from './late-postponed.ts';
import { LedgerError } from './ledger-error.ts';
import type { LedgerSetup } from './ledger-setup.ts';
import type { KeyedRequest } from './lookup.ts';
import { mappingAt, type RecordMapping } from './mapping.ts';
import { ledgerDefaults, openParts } from './open-parts.ts';
import { type OperationRecords, openOperationRecords } from './operation-records.ts';
import { overdueReporter } from './overdue.ts';
import type { LedgerParts } from './parts.ts';
import { queueGauge } from './queue-gauge.ts';
import { listDeferrals, openReader } from './read.ts';
import { type EntryBytes, readEntries } from './read-entries.ts';
import { openRecovery } from './recover.ts';
import { repeat } from './repeat.ts';
import { openRetention } from './retention.ts';
import { openRevealer, type Revealer } from './reveal.ts';
import { rotateWrappingKey, type WrappingRotated } from './rotate-wrapping-key.ts';
import { rotateSigningKey, rotationNotes } from './rotations.ts';
import { stepper } from './step.ts';
import { tileReader } from './tile-reader.ts';
import { groupMark, ulidFactory } from './ulid.ts';
import { verifyStored } from './verify.ts';

/** An open ledger of one resource group. */
export interface Ledger extends DeferralLedger, Revealer {
  /** Name of the log, and of its key. */
  readonly origin: string;
  /** C2SP verifier key of the ledger's first signing key. Whoever verifies gets it from its operator, not from the ledger. */
  readonly verifierKey: string;
  /** What ended the group, if anything did. */
  readonly stopped: LedgerError | undefined;
  /** The key of the completion rows of a request with an Idempotency-Key, performed at once or deferred. */
  completionKey(request: Omit<KeyedRequest, 'application'>): string;
  /**
   * True while a deferral of that order key (in the application's own words) is unsettled: what comes later must not be
   * performed before it. Rejects with an `EngineError` where the queue can't be asked.
   */
  holdsOrderKey(orderKey: string): Promise<boolean>;
  /** The pseudonym under which entries name a requester; undefined for one who never deferred anything. */
  pseudonymOf(requester: string): Promise<string | undefined>;
  /** The entries at these positions of the log. Rejects with `ledger-truncated`, or `ledger-corrupt` for what is no entry. */
  entriesAt(positions: readonly number[]): Promise<readonly EntryBytes[]>;
  /** The two records of the request whose `accepted` entry stands at that position. Rejects with `not-found` for any other. */
  mapping(position: number): Promise<RecordMapping>;
  /** What was changed of work types while running, by any host. */
  changedWorkTypes(): Promise<ChangedWorkTypes>;
  /**
   * Records a change of work types and tells it to all hosts; `plan` gives it, and what that throws is thrown on. `by`:
   * `token:<subject>` or `code:<name>`. Rejects with an `EngineError` that knows the fate of the change; with `none`
   * nothing was changed.
   */
  changeWorkTypes(plan: PlanChange, by: string): Promise<ChangedWorkTypes>;
  /**
   * Records of what was promised to be settled by now, and is not, that it is overdue. `onMissed` hears of the deferrals whose
   * deadline was missed, each once, in whichever process asks first; at most 100 at a time.
   */
  reportOverdue(onMissed: (deferral: Deferral) => void): Promise<void>;
  /** The notes of all changes of the signing key, oldest first: by them whoever knows the first key comes to the one in force. */
  rotations(): Promise<readonly string[]>;
  /** The number of the signing key in force, in the key file, from 0. */
  readonly signingKey: number;
  /**
   * Puts the next signing key of the key file in force, by an entry that both sign; the block that has it is signed by both, too. Resolves with
   * its verifier key. Rejects with `ledger-keys-differ` where the key file has none.
   */
  rotateSigningKey(by: string): Promise<string>;
  /**
   * Puts the newest key-encryption key of the key file in force, wraps all requesters' keys under it, and records that. May be
   * called again; nothing is recorded where that version was in force. Rejects with `ledger-keys-differ` where the key file lacks
   * a version that is needed.
   */
  rotateWrappingKey(by: string): Promise<WrappingRotated>;
  /**
   * Has something done about those that may be postponed no longer (`Acceptance.maxPostponeMs`) and are neither settled nor parked; at
   * most 100 at a time, each in whichever process asks.
   */
  lookAtPostponed(act: ActOnPostponed): Promise<void>;
  /** What it takes to erase a requester; `perform/erase-requester.ts` does it. */
  readonly erasures: Erasures;
  /** What operations of dependent tasks record and keep. */
  readonly operations: OperationRecords;
  /** Seals what is unsealed and makes states and queue agree with the log. To be awaited before anything is performed. */
  recover(): Promise<void>;
  /** Verifies the whole ledger from its stored bytes, against `oldCheckpoint` or the newest head known here. */
  verify(oldCheckpoint?: string): Promise<LedgerReport>;
  /** Waits up to 10 s for what is under way, and notes how far recovery has come. The engine stays open. May be called twice. */
  close(): Promise<void>;
}

/** An older copy is noticed where it lacks what was sealed more than so long before the end. */
const noteHeadEveryMs = 1_000;
const closeTimeoutMs = 10_000;
/** Verified at a time beside callers, who wait meanwhile. */
const entriesPerTurn = 500;

/**
 * Opens a ledger at its last verified block. Rejects with `ledger-keys-differ`, `key-file-unreadable`,
 * `ledger-truncated`, `ledger-corrupt`, `ledger-copy-unfinished`, `option-invalid`, or an `EngineError`.
 */
export async function openLedger(options: LedgerSetup): Promise<Ledger> {
  const { parts, verifierKey, origin } = await openParts(options);
  const { clock, sealer, engineTimeoutMs: timeoutMs } = parts;
  const reader = openReader(parts);
  const gauge = queueGauge(parts.queue, clock, parts.maxQueued);
  const newId = ulidFactory(clock, groupMark(options.group));
  const accept = acceptor(parts, newId, gauge);
  const changeWorkTypes = workTypeChanger(parts, newId);
  const step = stepper(parts);
  const revealer = openRevealer(parts);
  const reportOverdue = overdueReporter(parts, step);
  const recovery = openRecovery(parts, step, openRetention(parts));
  const { log } = options.engine;
  const tile = tileReader(log, sealer, parts.tiles);
  /** A lost tail ends the group, whoever comes upon it first. */
  const loudly = async <T>(work: Promise<T>, ending: readonly string[]): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw error instanceof LedgerError && ending.includes(error.code) ? sealer.stop(error) : error;
    }
  };
  const bounded = <T>(work: () => Promise<T>): Promise<T> =>
    loudly(within(clock, timeoutMs, work), ['ledger-truncated']);
  /** Where the time is up before the entry is durable, nothing is shown; whether it is recorded the log will tell. */
  const revealing = <T>(work: () => Promise<T>): Promise<T> =>
    loudly(
      within(clock, timeoutMs, work, () => 'unknown'),
      ['ledger-truncated'],
    );
  const recoverLoudly = (work: Promise<void>): Promise<void> =>
    loudly(work, ['ledger-truncated', 'ledger-corrupt']);
  const heartbeat = repeat(
    clock,
    options.recoverEveryMs ?? ledgerDefaults.recoverEveryMs,
    async () => {
      if (sealer.stopped === undefined) await recoverLoudly(recovery.runBehind());
    },
    options.onRecoveryFailed,
  );

  const { headNote } = options.engine;
  let noted = '';
  const note = async (): Promise<void> => {
    const { head, stopped } = sealer;
    if (headNote === undefined || stopped !== undefined || head.checkpoint === noted) return;
    await noteHead(headNote, head);
    noted = head.checkpoint;
  };
  const noting = repeat(clock, noteHeadEveryMs, note, options.onRecoveryFailed);

  return {
    origin,
    verifierKey,
    get signingKey() {
      return sealer.head.signing;
    },
    get stopped() {
      return sealer.stopped;
    },
    completionKey: (request) => parts.lookup.completionKey({ ...request, application: parts.application }),
    accept,
    step: (id, what) =>
      within(
        clock,
        timeoutMs,
        () => step(id, what),
        () => 'unknown',
      ),
    find: (id) => bounded(() => reader.find(id)),
    findByKey: (...key) => bounded(() => reader.findByKey(...key)),
    request: (id) => bounded(async () => (await reader.readRequest(id)).request),
    readRequest: (id) => bounded(() => reader.readRequest(id)),
    mapping: (position) => bounded(() => mappingAt(parts, position)),
    reveal: (id, request) => revealing(() => revealer.reveal(id, request)),
    revealOutcome: (id, request) => revealing(() => revealer.revealOutcome(id, request)),
    parameters: (id) => bounded(() => reader.parameters(id)),
    parameter: (id, name) => bounded(() => reader.parameter(id, name)),
    outcome: (id) => bounded(() => reader.outcome(id)),
    proof: (id) => bounded(() => reader.proof(id)),
    admitsCapability: (id, capability) => bounded(() => reader.admitsCapability(id, capability)),
    isRequester: (deferral, requester) => bounded(() => reader.isRequester(deferral, requester)),
    list: (query) => bounded(() => listDeferrals(parts, query)),
    checkpoint: () => bounded(async () => (await sealer.catchUp()).checkpoint),
    block: (height) => bounded(() => readBlock(parts, height)),
    tile: (name) => bounded(() => tile(name)),
    rotations: () =>
      bounded(async () => {
        await sealer.catchUp();
        return rotationNotes(parts, parts.signer);
      }),
    holdsOrderKey: (orderKey) => bounded(() => holdsOrderKey(parts, orderKey)),
    pseudonymOf: (requester) => bounded(() => parts.requesters.known(requester)),
    entriesAt: (positions) => bounded(() => readEntries(parts, positions)),
    changedWorkTypes: () => bounded(async () => (await parts.changedWorkTypes.read()) ?? new Map()),
    changeWorkTypes(plan, by) {
      const attempt = changeAttempt();
      const changing = within(
        clock,
        timeoutMs,
        (deadline) => changeWorkTypes(plan, by, deadline, attempt),
        attempt.fate,
      );
      return loudly(changing, ['ledger-truncated']);
    },
    reportOverdue: (onMissed) => bounded(() => reportOverdue(onMissed)),
    lookAtPostponed: postponedLooker(parts),
    erasures: openErasures(parts, newId),
    operations: openOperationRecords(parts, newId, log),
    rotateSigningKey: (by) => rotateSigningKey(parts, newId, by),
    rotateWrappingKey: (by) => rotateWrappingKey(parts, newId, by),
    recover: () => recoverLoudly(recovery.run()),
    verify: (oldCheckpoint) =>
      verifyStored(
        { log, store: parts.store, clock, entriesPerRead: entriesPerTurn },
        { verifierKeys: [verifierKey], oldCheckpoint: oldCheckpoint ?? sealer.head.checkpoint },
      ),
    async close() {
      // What is not carried over now is at the next start; an engine that hangs must not keep the process.
      const ending = async (): Promise<void> => {
        await Promise.all([heartbeat.stop(), noting.stop()]);
        await sealer.idle();
        if (sealer.stopped === undefined) await recovery.run();
        await note();
      };
      await within(clock, closeTimeoutMs, ending).catch((error: unknown) =>
        options.onRecoveryFailed?.(error),
      );
    },
  };
}

/** What is accepted and could not be enqueued yet is on no queue, and comes first all the same. */
async function holdsOrderKey({ lookup, progress, queue }: LedgerParts, orderKey: string): Promise<boolean> {
  const name = lookup.orderKey(orderKey);
  return progress.heldOrderKeys.has(name) || queue.holdsOrderKey(name);
}

async function readBlock({ store }: LedgerParts, height: number): Promise<string | undefined> {
  if (!Number.isSafeInteger(height) || height < 0) return undefined;
  const stored = await store.get(blockKey(height));
  return stored && Buffer.from(stored.value).toString('utf8');
}
