import { leafHash } from '@slackwater/shared';
import { matchesHash } from './capabilities.ts';
import type { Deferral, DeferralQuery, Outcome, ReadRequest, RecordName } from './deferral.ts';
import { payloadKey } from './history.ts';
import { LedgerError } from './ledger-error.ts';
import { type DeferralState, publicPart } from './life.ts';
import { pathOf } from './lookup.ts';
import type { LedgerParts } from './parts.ts';
import { matchesDigest, outcomeDigest, parseOutcome } from './payload-digest.ts';
import { openNames, openParameter, openPayload, type StoredPayload, splitPayload } from './payload-record.ts';
import { makeReceipt, proofUnderHead } from './proofs.ts';
import { rotationNotes } from './rotations.ts';
import { sha256 } from './sha256.ts';
import { outcomeKey } from './step.ts';
import { isUlid } from './ulid.ts';

/** The questions of `DeferralLedger` about one deferral. */
export interface Reader {
  find(id: string): Promise<Deferral | undefined>;
  findByKey(
    requester: string,
    method: string,
    url: string,
    idempotencyKey: string,
  ): Promise<Deferral | undefined>;
  readRequest(id: string): Promise<ReadRequest>;
  parameters(id: string): Promise<readonly string[]>;
  parameter(id: string, name: string): Promise<Uint8Array | undefined>;
  outcome(id: string): Promise<Outcome | undefined>;
  proof(id: string): Promise<{ readonly entry: Uint8Array; readonly receipt: string }>;
  admitsCapability(id: string, capability: string): Promise<boolean>;
  isRequester(deferral: Deferral, requester: string): Promise<boolean>;
}

/** Reads one ledger. What is read is compared with the log, and the log with the signed tree. */
export function openReader(parts: LedgerParts): Reader {
  const { application, store, dataKeys, lookup, history, sealer, tiles } = parts;

  async function load(id: string): Promise<DeferralState | undefined> {
    // Also keeps out of the store what can't be one of its keys.
    return isUlid(id) ? (await history.load(id))?.state : undefined;
  }

  async function loadExisting(id: string): Promise<DeferralState> {
    const state = await load(id);
    if (state === undefined) throw new LedgerError('not-found', `There is no deferral ${id}.`);
    return state;
  }

  /** Where its `accepted` entry stands under a signed head. */
  async function sealedHead(position: number): Promise<typeof sealer.head> {
    if (position >= sealer.head.link.size) await sealer.catchUp();
    return position < sealer.head.link.size ? sealer.head : sealer.sealTail();
  }

  async function payloadOf({ id, requester }: DeferralState): Promise<StoredPayload> {
    const stored = await store.get(payloadKey(id));
    if (stored === undefined) throw corrupt(id, 'its payload record is missing');
    const payload = splitPayload(id, stored.value);
    if (payload.pseudonym !== requester) throw corrupt(id, "its payload record is another requester's");
    return payload;
  }

  async function receiptFor(head: typeof sealer.head, position: number, bytes: Uint8Array): Promise<string> {
    const rotations = head.signing === 0 ? [] : await rotationNotes(parts, parts.signer);
    return makeReceipt(tiles, head, position, bytes, rotations);
  }

  async function acceptedEntry(state: DeferralState): ReturnType<typeof history.entryAt> {
    const head = await sealedHead(state.position);
    // Asked for together: an engine answers both at once.
    const [found, sealed] = await Promise.all([
      history.entryAt(state.position).catch((error: unknown) => {
        // One entry that is none is about one deferral, as far as its performer is concerned.
        throw error instanceof LedgerError && error.code === 'ledger-corrupt'
          ? corrupt(state.id, error.message)
          : error;
      }),
      tiles.node(head.edge, 0, state.position),
    ]);
    const isSealed = Buffer.from(sealed).equals(leafHash(found.bytes, { sha256 }));
    if (!isSealed || found.entry.type !== 'accepted' || found.entry.id !== state.id) {
      throw corrupt(state.id, `entry ${state.position} of the log is not the one that was sealed for it`);
    }
    return found;
  }

  /** A tile on disk may have been changed together with the entry, and a block by itself: the signed head has the last word. */
  async function underSignedHead({ id, position }: DeferralState, bytes: Uint8Array): Promise<void> {
    const head = await sealedHead(position);
    const fault = await parts.blocks.faultAt(position, head);
    if (fault !== undefined) throw corrupt(id, fault);
    await proofUnderHead(tiles, head, position, bytes).catch((error: unknown) => {
      throw error instanceof LedgerError && error.code === 'ledger-corrupt'
        ? corrupt(id, error.message)
        : error;
    });
  }

  return {
    async find(id) {
      const state = await load(id);
      return state && publicPart(state);
    },
    async findByKey(requester, method, url, idempotencyKey) {
      const keyed = { application, requester, method, url: pathOf(url), idempotencyKey };
      const record = await parts.keyRecords.find(lookup.idempotencyKey(keyed));
      const state = record && (await load(record.id));
      return state && publicPart(state);
    },
    async readRequest(id) {
      const readFrom: RecordName[] = [];
      const state = await loadExisting(id);
      readFrom.push('mapping');
      const { entry, bytes } = await acceptedEntry(state);
      await underSignedHead(state, bytes);
      readFrom.push('first');
      const payload = await payloadOf(state);
      readFrom.push('second');
      const { facts, request } = openPayload(await dataKeys.need(payload.pseudonym), payload);
      if (entry.payload === undefined || !matchesDigest(entry.payload, facts, request)) {
        throw corrupt(id, 'its payload is not the one whose digest is in the log');
      }
      // The state is a cache that anybody with the file may write; what the performer goes by is compared.
      const agrees =
        state.completionKey === facts.completionKey &&
        state.deadlineAt === (entry.deadlineAt === undefined ? undefined : Date.parse(entry.deadlineAt)) &&
        state.method === entry.method &&
        state.route === entry.route &&
        state.workType === entry.workType &&
        state.partition === entry.partition &&
        state.parent === entry.parent;
      if (!agrees) throw corrupt(id, 'its state disagrees with its entry');
      return { request, readFrom };
    },
    async parameters(id) {
      const payload = await payloadOf(await loadExisting(id));
      return openNames(await dataKeys.need(payload.pseudonym), payload);
    },
    async parameter(id, name) {
      const payload = await payloadOf(await loadExisting(id));
      return openParameter(await dataKeys.need(payload.pseudonym), payload, name);
    },
    async outcome(id) {
      const state = await load(id);
      if (state?.outcomeAttempt === undefined || state.outcomeAt === undefined) return undefined;
      const stored = await store.get(outcomeKey(id, state.outcomeAttempt));
      if (stored === undefined) return undefined;
      const vault = await dataKeys.need(state.requester);
      const bytes = vault.open(id, `outcome ${state.outcomeAttempt}`, stored.value);
      const { entry } = await history.entryAt(state.outcomeAt);
      if (entry.id !== id || entry.outcome !== outcomeDigest(Buffer.from(state.salt, 'base64'), bytes)) {
        throw corrupt(id, 'its outcome is not the one whose digest is in the log');
      }
      return parseOutcome(bytes);
    },
    async proof(id) {
      const recent = parts.recent.get(id);
      if (recent !== undefined) {
        // Whatever else happens to it here, the receipt is verified against the signed head before it is given out.
        parts.recent.delete(id);
        return {
          entry: recent.bytes,
          receipt: await receiptFor(sealer.head, recent.position, recent.bytes),
        };
      }
      const state = await loadExisting(id);
      const { bytes } = await acceptedEntry(state);
      const head = await sealedHead(state.position);
      return { entry: bytes, receipt: await receiptFor(head, state.position, bytes) };
    },
    async admitsCapability(id, capability) {
      const state = await load(id);
      const first = matchesHash(capability, state?.capability ?? '');
      const later = state !== undefined && (await parts.capabilities.admits(id, capability));
      return first || later;
    },
    async isRequester(deferral, requester) {
      return (await parts.requesters.known(requester)) === deferral.requester;
    },
  };
}

/** How many states one page may look at. */
const mostScanned = 1_000;

/** A page of deferrals, newest first; see `DeferralLedger.list`. Looks at 1,000 at most: a short page may have a `next`. */
export async function listDeferrals(
  { states, requesters }: LedgerParts,
  query: DeferralQuery,
): Promise<{ readonly deferrals: readonly Deferral[]; readonly next: string | undefined }> {
  checkQuery(query);
  const pseudonym = query.requester === undefined ? undefined : await requesters.known(query.requester);
  const deferrals: Deferral[] = [];
  let cursor = query.cursor;
  for (let scanned = 0; scanned < mostScanned && deferrals.length < query.limit; ) {
    const page = await states.page(Math.min(query.limit, mostScanned - scanned), cursor);
    if (page.length === 0) return { deferrals, next: undefined };
    for (const { id, state } of page) {
      scanned += 1;
      cursor = id;
      if (state !== undefined && matches(state, query, pseudonym)) deferrals.push(publicPart(state));
      if (deferrals.length === query.limit) break;
    }
  }
  return { deferrals, next: cursor };
}

function checkQuery({ limit, cursor }: DeferralQuery): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) {
    throw new LedgerError('parameter-invalid', `limit: ${limit} is not an integer from 1 to 1,000.`);
  }
  if (cursor !== undefined && !isUlid(cursor)) {
    throw new LedgerError('parameter-invalid', 'cursor: give the "next" of the page before, as it came.');
  }
}

/** `requester` is the application's name for it, or the pseudonym that entries have. */
function matches(state: DeferralState, query: DeferralQuery, pseudonym: string | undefined): boolean {
  return (
    (query.status === undefined || query.status === state.status) &&
    (query.workType === undefined || query.workType === state.workType) &&
    (query.partition === undefined || query.partition === state.partition) &&
    (query.requester === undefined || state.requester === pseudonym || state.requester === query.requester)
  );
}

function corrupt(id: string, problem: string): LedgerError {
  return new LedgerError('record-corrupt', `Deferral ${id} is refused: ${problem}.`);
}
