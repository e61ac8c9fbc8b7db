import type { Clock, Timer } from '../clock.ts';
import type { ErasureAsked } from '../ledger/erasures.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import type { RequesterErased } from '../options/gate.ts';
import { type Erased, type EraserParts, eraseRequester } from '../perform/erase-requester.ts';
import type { Performer } from '../perform/performer.ts';

/** Erases requesters, and goes on with what others have begun. */
export interface Eraser {
  /** Waits up to `waitMs`; what is then not done goes on by itself. Rejects with an `EngineError` or a `LedgerError`. */
  erase(requester: string, asked: ErasureAsked, waitMs: number): Promise<RequesterErased>;
  /** What is under way is left to the next gate. */
  close(): void;
}

const lookEveryMs = 10_000;
const turnMs = 20_000;

const erased = {
  code: 'requester-erased',
  message: 'Its requester was erased before it was performed.',
} as const;

/** The eraser of one ledger. */
export function startEraser(
  ledger: Ledger,
  performer: Pick<Performer, 'cancel'>,
  clock: Clock,
  trouble: (doing: string, error: unknown) => void,
): Eraser {
  const underWay = new Map<string, Promise<Erased>>();
  let timer: Timer | undefined;
  let closed = false;
  const parts: EraserParts = {
    ledger,
    cancel: (id) => performer.cancel(id, erased),
    clock,
    isClosing: () => closed,
  };

  /** One at a time for each requester: a second wish joins the first. */
  function carryOn(erasure: Parameters<typeof eraseRequester>[1], waitMs: number): Promise<Erased> {
    const known = underWay.get(erasure.pseudonym);
    if (known !== undefined) return known;
    const carried = eraseRequester(parts, erasure, waitMs).finally(() => underWay.delete(erasure.pseudonym));
    underWay.set(erasure.pseudonym, carried);
    return carried;
  }

  async function look(): Promise<void> {
    for (const erasure of ledger.stopped === undefined ? await ledger.erasures.unfinished() : []) {
      if (!closed) await carryOn(erasure, turnMs);
    }
  }

  function lookAgain(): void {
    timer = clock.after(lookEveryMs, () => {
      look()
        .catch((error: unknown) => trouble('going on with erasing a requester', error))
        .finally(() => {
          if (!closed) lookAgain();
        });
    });
  }

  lookAgain();
  return {
    async erase(requester, asked, waitMs) {
      const erasure = await ledger.erasures.begin(requester, asked);
      return erasure === undefined ? { status: 'nothing-kept' } : carryOn(erasure, waitMs);
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}
