import { EngineError } from '../engines/engine-error.ts';
import { makeCapability } from './capabilities.ts';
import { checkQueueable } from './check-queueable.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import type { Acceptance, AcceptanceResult, Deferral } from './deferral.ts';
import { payloadKey } from './history.ts';
import { FateUnknownError, LedgerError } from './ledger-error.ts';
import { beginLife, type DeferralState, itemOf, publicPart } from './life.ts';
import { acceptedEntry, deadlineOf, entryBytes } from './make-entry.ts';
import type { LedgerParts } from './parts.ts';
import { headerOf, makeSalt, payloadDigest } from './payload-digest.ts';
import { openPayload, type PayloadFacts, sealPayload, splitPayload } from './payload-record.ts';
import { noteTimes } from './promises.ts';
import type { QueueGauge } from './queue-gauge.ts';
import { refusalOf } from './refusal.ts';
import { beingErased } from './requesters.ts';
import type { Recording } from './sealer.ts';
import { serialByKey } from './serial.ts';

// An acceptance, by crash point:
//
//   key record      created, expiring      crash after: a key without a deferral; the next request with it takes its id over
//   promise         put             crash after: a promise of what was never accepted; deleted when it is due
//   payload record  created                crash after: a payload nobody names; the same, or garbage of one request
//   entry           appended               the commit point. Crash after: accepted, unsealed, unacknowledged; the next
//                                          process seals it and recovery enqueues it, for the append may have been answered
//   block           created                crash after: as before; the next request with the key gets this deferral
//   state, queue    created, enqueued      beside the sealing. Crash before: recovery makes both from the log
//   the answer                             from here on its caller relies on it
//
// One id may come to have two `accepted` entries, when a fate was unknown or two processes took the same key over. Both
// have the same payload record, which is created once and never replaced; the first entry counts.

/** What the outcome of the payload record's creation leaves to be recorded. */
interface Prepared {
  readonly facts: PayloadFacts;
  readonly digest: string;
  readonly capability: string;
}

/** Accepts requests for one ledger; see `DeferralLedger.accept`. */
export function acceptor(
  parts: LedgerParts,
  newId: () => string,
  gauge: QueueGauge,
): (acceptance: Acceptance) => Promise<AcceptanceResult> {
  const { clock, lookup, store, queue, states, history, sealer, capabilities, progress } = parts;
  const inLine = serialByKey();

  async function accept(acceptance: Acceptance): Promise<AcceptanceResult> {
    checkQueueable(acceptance);
    const attempt = startAttempt();
    const deadline = startDeadline(clock, parts.engineTimeoutMs, attempt.fate);
    try {
      if (acceptance.idempotencyKey === undefined)
        return await acceptNew(acceptance, { id: newId(), isFresh: true }, deadline, attempt);
      const keyed = keyedRequest(parts, acceptance, acceptance.idempotencyKey);
      const tag = lookup.idempotencyKey(keyed);
      // Whoever stands in line before this call has an earlier deadline, so the wait is bounded by ours.
      return await inLine(tag, () => acceptKeyed(acceptance, tag, deadline, attempt));
    } catch (error) {
      throw refusalOf(error, attempt.fate());
    } finally {
      deadline.end();
    }
  }

  function startAttempt(): Attempt {
    let recording: Recording | undefined;
    return {
      record(entry, onAppended) {
        recording = sealer.record(entry, onAppended);
        return recording.sealed;
      },
      fate: () => (recording === undefined || recording.takeBack() ? 'none' : 'unknown'),
    };
  }

  async function acceptKeyed(
    acceptance: Acceptance,
    tag: string,
    deadline: Deadline,
    attempt: Attempt,
  ): Promise<AcceptanceResult> {
    const payload = lookup.payload({
      ...acceptance.request,
      contentType: headerOf(acceptance.request, 'content-type'),
    });
    const expiresAt = clock.wallNow() + parts.keepOutcomeMs;
    const claim = await deadline.bound(parts.keyRecords.claim(tag, { id: newId(), payload }, expiresAt));
    if (claim.mine) return acceptNew(acceptance, { id: claim.record.id, isFresh: true }, deadline, attempt);
    if (claim.record.payload !== payload) return { kind: 'key-reused' };
    try {
      return await repeat(acceptance, claim.record.id, deadline, attempt);
    } catch (error) {
      // Whatever failed now: the request that made the key may have been recorded.
      throw error instanceof EngineError ? new FateUnknownError(claim.record.id, error) : error;
    }
  }

  async function repeat(
    acceptance: Acceptance,
    id: string,
    deadline: Deadline,
    attempt: Attempt,
  ): Promise<AcceptanceResult> {
    const known = await deadline.bound(history.load(id));
    if (known === undefined) return acceptNew(acceptance, { id, isFresh: false }, deadline, attempt);
    await deadline.bound(sealedUpTo(known.state.position));
    await deadline.bound(onQueue(known.state));
    const capability = await deadline.bound(capabilities.add(id));
    return { kind: 'accepted', repeated: true, deferral: publicPart(known.state), capability };
  }

  /**
   * What was found may be on no queue yet: another process recorded it, and was cut off. Whoever is told that it is
   * accepted may send the next of its order key at once, and to another process.
   */
  async function onQueue(state: DeferralState): Promise<void> {
    if (state.phase !== 'queued') return;
    const enqueued = queue.enqueue(itemOf(state));
    if (state.orderKey === undefined) enqueued.catch(() => {});
    else await enqueued;
  }

  /** An entry that was found may still be unsealed: its first caller was cut off in between. */
  async function sealedUpTo(position: number): Promise<void> {
    if (position >= sealer.head.link.size) await sealer.sealTail();
  }

  async function acceptNew(
    acceptance: Acceptance,
    { id, isFresh }: NewId,
    deadline: Deadline,
    attempt: Attempt,
  ): Promise<AcceptanceResult> {
    const orderKey = acceptance.orderKey === undefined ? undefined : lookup.orderKey(acceptance.orderKey);
    refuseOvertaking(orderKey);
    const { always = false, pseudonym } = acceptance.belongsTo ?? {};
    if (!always && (await deadline.bound(gauge.isFull()))) return { kind: 'queue-full' };
    const requester = pseudonym ?? (await deadline.bound(parts.requesters.pseudonym(acceptance.requester)));
    const nowMs = clock.wallNow();
    const deadlineAt = deadlineOf(acceptance, nowMs);
    const preparing = prepare(acceptance, { id, isFresh, pseudonym: requester, deadlineAt }, orderKey);
    const { facts, digest, capability } = await deadline.bound(preparing).catch((error: unknown) => {
      forgetPayload(acceptance, id, preparing);
      throw error;
    });
    const entry = acceptedEntry(parts, acceptance, { id, requester, payload: digest, nowMs, deadlineAt });
    const bytes = entryBytes(entry, () => forgetPayload(acceptance, id, Promise.resolve()));
    // Nothing is awaited between the last look at the deadline and here: a call that was answered with `none` stops above.
    let carried: Promise<DeferralState> | undefined;
    const sealed = attempt.record(bytes, (position) => {
      gauge.add();
      carried = carryOver(beginLife(entry, position, facts), isFresh);
      // Its failure is looked at below, or, where the sealing fails first, by nobody: recovery then carries it over.
      carried.catch(() => {});
    });
    const position = await deadline.bound(sealed).catch((error: unknown) => {
      const failure = refusalOf(error, attempt.fate());
      if (!(failure instanceof EngineError)) throw failure;
      if (failure.fate === 'unknown') throw new FateUnknownError(id, failure);
      forgetPayload(acceptance, id, Promise.resolve());
      throw failure;
    });
    parts.recent.set(id, { position, bytes });
    const state = await carriedState(carried, beginLife(entry, position, facts), deadline);
    return { kind: 'accepted', repeated: state.position < position, deferral: publicPart(state), capability };
  }

  /** Where an earlier one of the key could not be enqueued yet, a later one would overtake it. */
  function refuseOvertaking(orderKey: string | undefined): void {
    if (orderKey === undefined || !progress.heldOrderKeys.has(orderKey)) return;
    throw new EngineError(
      'engine-unavailable',
      'none',
      'An earlier request of the order key is not enqueued yet.',
    );
  }

  async function prepare(
    acceptance: Acceptance,
    {
      id,
      isFresh,
      pseudonym,
      deadlineAt,
    }: NewId & Pick<Deferral, 'deadlineAt'> & { readonly pseudonym: string },
    orderKey: string | undefined,
  ): Promise<Prepared> {
    const { request, idempotencyKey } = acceptance;
    await noteTimes(parts, acceptance, { id, deadlineAt });
    const { capability, hash } = makeCapability();
    const facts: PayloadFacts = {
      ...makeSalt(request),
      method: request.method,
      priority: acceptance.priority,
      orderKey,
      completionKey:
        idempotencyKey === undefined
          ? id
          : lookup.completionKey(keyedRequest(parts, acceptance, idempotencyKey)),
      capability: hash,
      logSize: sealer.head.link.size,
    };
    const vault = await parts.dataKeys.of(pseudonym);
    if (vault === undefined) throw beingErased();
    const record = sealPayload({ vault, pseudonym, id }, facts, request, parts.encrypt);
    const created = await store.create(payloadKey(id), record, { isFresh });
    if (created !== undefined) return { facts, digest: payloadDigest(facts.salt, request), capability };
    // An acceptance of the same key and payload got as far as this. Its record stays: an entry may name it already.
    const stored = await store.get(payloadKey(id));
    if (stored === undefined)
      throw new LedgerError('record-corrupt', `The payload record of ${id} can't be read.`);
    const there = splitPayload(id, stored.value);
    const thereVault = await parts.dataKeys.of(there.pseudonym);
    if (thereVault === undefined) {
      // Of one who was erased meanwhile: it names no deferral, or this would be its repetition.
      if ((await store.update(payloadKey(id), record, stored.revision)) === undefined) throw beingErased();
      return { facts, digest: payloadDigest(facts.salt, request), capability };
    }
    const first = openPayload(thereVault, there);
    return {
      facts: first.facts,
      digest: payloadDigest(first.facts.salt, first.request),
      capability: await capabilities.add(id),
    };
  }

  /** Enqueues first and synchronously, so that this process enqueues in the order of positions. */
  async function carryOver(state: DeferralState, isFresh: boolean): Promise<DeferralState> {
    const { position, orderKey } = state;
    const [enqueued, created] = await Promise.allSettled([
      queue.enqueue(itemOf(state)),
      states.create(state, isFresh),
    ]);
    if (enqueued.status === 'rejected') {
      if (orderKey !== undefined) progress.heldOrderKeys.add(orderKey);
      throw enqueued.reason;
    }
    if (created.status === 'rejected') throw created.reason;
    const counted = created.value ? state : await firstOf(state);
    progress.complete(position);
    return counted;
  }

  /** The state that was there already, from recovery or from another `accepted` entry: the lower position counts. */
  async function firstOf(state: DeferralState): Promise<DeferralState> {
    const stored = await states.read(state.id);
    if (stored === undefined || stored.state.position <= state.position) return stored?.state ?? state;
    const corrected = { ...stored.state, position: state.position };
    return (await states.update(corrected, stored.revision)) === undefined ? firstOf(state) : corrected;
  }

  /** Sealed is accepted. What could not be carried over yet is carried over by recovery, except where order hangs on it. */
  async function carriedState(
    carried: Promise<DeferralState> | undefined,
    state: DeferralState,
    deadline: Deadline,
  ): Promise<DeferralState> {
    try {
      return await deadline.bound(carried ?? Promise.resolve(state));
    } catch (error) {
      if (state.orderKey === undefined) return state;
      throw error instanceof EngineError ? new FateUnknownError(state.id, error) : error;
    }
  }

  /** Without a key nobody will ask for this id again. With one, the next request under it takes the record over. */
  function forgetPayload({ idempotencyKey }: Acceptance, id: string, preparing: Promise<unknown>): void {
    if (idempotencyKey !== undefined) return;
    const forget = (): Promise<boolean> => store.delete(payloadKey(id));
    preparing.then(forget, forget).catch(() => {});
  }

  return accept;
}

/** A deferral's id, and whether its name is fresh as `StoreOptions` has it. */
interface NewId {
  readonly id: string;
  readonly isFresh: boolean;
}

/** The one append that an acceptance comes to, if it comes to it. */
interface Attempt {
  record(entry: Uint8Array, onAppended: (position: number) => void): Promise<number>;
  /** What became of it so far. Takes it back where that is still possible. */
  fate(): 'none' | 'unknown';
}

function keyedRequest(
  { application }: LedgerParts,
  { requester: named, belongsTo, request }: Acceptance,
  idempotencyKey: string,
): { application: string; requester: string; method: string; url: string; idempotencyKey: string } {
  // Parts and compensations are found by keys of their own, whoever they are for.
  const requester = belongsTo === undefined ? named : '';
  return { application, requester, method: request.method, url: request.url, idempotencyKey };
}
