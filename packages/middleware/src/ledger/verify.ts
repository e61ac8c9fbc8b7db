import { type LedgerReport, LedgerVerifier } from '@slackwater/shared';
import { type Clock, systemClock } from '../clock.ts';
import type { EngineLog } from '../engines/log.ts';
import type { EngineStore } from '../engines/store.ts';
import { sha256 } from './sha256.ts';
import { ed25519Verify } from './signer.ts';

const blocksPerRead = 200;
/** Each costs a way to the engine and back. */
const entriesPerRead = 2_000;
/** What a reader sees that is too early: servers that have just chosen a leader which still takes in what was acknowledged. */
const perhapsTooEarly: readonly unknown[] = ['entry-missing', 'height-differs', 'truncated'];
const mostLooks = 4;
/** And twice, three times as long. */
const betweenLooksMs = 500;

/**
 * Verifies the whole ledger from its stored bytes, every block and every entry. `verifierKeys` are C2SP verifier keys;
 * `oldCheckpoint` is a signed head that somebody kept, against which a cut at the end is noticed. Entries that wait to
 * be sealed are left out. What seems to be missing is looked for again for three seconds before that is said. Between two
 * reads of `entriesPerRead` (default 2,000) the event loop is busy: a millisecond for some hundred.
 */
export async function verifyStored(
  parts: Stored & { readonly clock?: Pick<Clock, 'after'> },
  trust: Trust,
): Promise<LedgerReport> {
  return lookingAgain(parts.clock ?? systemClock, () => verifyOnce(parts, trust));
}

/** What a verification comes to, where one that seems to miss something is made again for a while. */
export async function lookingAgain<Report extends { readonly ok: boolean }>(
  clock: Pick<Clock, 'after'>,
  verify: () => Promise<Report>,
): Promise<Report> {
  for (let looks = 1; ; looks++) {
    const report = await verify();
    const isEarly = 'fault' in report && perhapsTooEarly.includes(report.fault);
    if (report.ok || looks === mostLooks || !isEarly) return report;
    await new Promise<void>((resolve) => clock.after(looks * betweenLooksMs, resolve));
  }
}

interface Stored {
  readonly log: EngineLog;
  readonly store: EngineStore;
  readonly entriesPerRead?: number;
}

interface Trust {
  readonly verifierKeys: readonly string[];
  readonly oldCheckpoint: string;
}

async function verifyOnce(parts: Stored, trust: Trust): Promise<LedgerReport> {
  const verifier = new LedgerVerifier({ ...trust, sha256, ed25519Verify });
  await feedVerifier(verifier, blocksOf(parts.store), entryPages(parts.log, 0, parts.entriesPerRead));
  return verifier.finish();
}

/**
 * Gives a verifier blocks and entries until there are no more blocks, or something is wrong. `onPage` gets entries that it has taken,
 * with the position of the first. While one page is verified the next is read.
 */
export async function feedVerifier(
  verifier: LedgerVerifier,
  blocks: AsyncIterable<string>,
  entries: AsyncIterable<readonly Uint8Array[]>,
  onPage: (page: readonly Uint8Array[], first: number) => Promise<void> = async () => {},
): Promise<void> {
  const pages = entries[Symbol.asyncIterator]();
  let next = ahead();
  let page: readonly Uint8Array[] = [];
  let [first, at] = [0, 0];

  function ahead(): Promise<IteratorResult<readonly Uint8Array[]>> {
    const page = pages.next();
    // It is awaited later, or by nobody.
    page.catch(() => {});
    return page;
  }

  async function turn(): Promise<boolean> {
    await onPage(page, first);
    first += page.length;
    const { done, value } = await next;
    [page, at] = [done === true ? [] : value, 0];
    if (done !== true) next = ahead();
    return page.length > 0;
  }

  try {
    for await (const text of blocks) {
      if (verifier.block(text) !== undefined) return;
      while (verifier.pending > 0) {
        if (at === page.length && !(await turn())) return;
        const fault = verifier.entry(page[at++]);
        if (fault !== undefined) return;
      }
    }
    await onPage(page.slice(0, at), first);
  } finally {
    await next.catch(() => {});
    await pages.return?.();
  }
}

/** The texts of a store's blocks, by height. */
export async function* blocksOf(store: EngineStore): AsyncGenerator<string> {
  let after = {};
  for (;;) {
    const page = await store.list('blocks/', { limit: blocksPerRead, ...after });
    if (page.length === 0) return;
    for (const { key, value } of page) {
      after = { after: key };
      yield Buffer.from(value).toString('utf8');
    }
  }
}

/** The entries of a log from `from` on. */
export async function* entriesOf(log: EngineLog, from = 0): AsyncGenerator<Uint8Array, undefined> {
  for await (const page of entryPages(log, from)) yield* page;
  return undefined;
}

/** The same, as they are read. */
export async function* entryPages(
  log: EngineLog,
  from = 0,
  perRead = entriesPerRead,
): AsyncGenerator<readonly Uint8Array[]> {
  for (let at = from; ; ) {
    const page = await log.read(at, perRead);
    if (page.length === 0) return;
    yield page;
    at += page.length;
  }
}
