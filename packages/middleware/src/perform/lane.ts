import type { Timer } from '../clock.ts';
import type { Claim } from '../engines/queue.ts';
import type { Deferral } from '../ledger/deferral.ts';
import { lookDelayMs } from './back-off.ts';
import { putBack } from './conclude.ts';
import { afterItem, afterTrouble, type Drain, firstDrain, mayClaim, released } from './drain.ts';
import { atOnce } from './pace.ts';
import { type ItemEnd, type ItemTurn, performItem } from './perform-item.ts';
import type { PerformerParts } from './performer-parts.ts';
import type { Room } from './room.ts';
import { createTurns } from './turns.ts';

/** The most items of one claim (the queue's law). */
const mostPerClaim = 100;
/** How many items that were turned away are called back when the partition recovers; the others are due soon. */
const mostTurnedAway = 100;

/** One partition's items on their way through this process. */
export interface Lane {
  /** How many this process has claimed: those that run, are made ready, or are recorded. */
  readonly claimed: number;
  /** Of these, at work on the partition. */
  readonly running: number;
  /** How many may be at work at once, by what was found out so far. */
  readonly atOnce: number;
  /** True where nothing runs and nothing waits for a timer. */
  readonly idle: boolean;
  /** Claims what is due and may run, unless the partition is held. */
  pump(): void;
  /** The partition may have recovered: tries at once, also where it was held. */
  wake(): void;
  /** Nothing is claimed any more. Resolves when what runs has ended. */
  close(): Promise<void>;
}

/** What the lanes of one process share. */
export interface LaneShare {
  /** For those at work. */
  readonly room: Room;
  /** For those that are claimed. */
  readonly claims: Room;
  /** Aborted where attempts under way are to end. */
  readonly stop: AbortSignal;
}

/** Makes the lane of a partition; it rests until it is pumped. */
export function createLane(parts: PerformerParts, partition: string, share: LaneShare): Lane {
  const { clock, options, queue } = parts;
  const claimed = new Set<Promise<void>>();
  /** What this process turned away last; nobody else has the items while their tokens are the newest. */
  const turnedAway = new Map<string, Claim>();
  let drain: Drain = firstDrain;
  const turns = createTurns(() => atOnce(drain.pace), share.room);
  let open = true;
  let claiming: Promise<void> | undefined;
  let askedAgain = false;
  let hold: Timer | undefined;
  let lastLook = Number.NEGATIVE_INFINITY;
  /** When being turned away may be recorded again, of items that were put back without a wait. */
  const recordAgainAt = new Map<string, number>();

  function pump(): void {
    askedAgain = true;
    claiming ??= claimAll().finally(() => {
      claiming = undefined;
      if (askedAgain && open) pump();
    });
  }

  async function claimAll(): Promise<void> {
    try {
      while (askedAgain) {
        askedAgain = false;
        await claimWhatMayRun();
      }
    } catch (error) {
      inTrouble('claiming', error);
    }
  }

  async function claimWhatMayRun(): Promise<void> {
    while (open && !parts.pauses.isPaused(partition)) {
      const wanted = Math.min(mayClaim(drain, claimed.size, clock.now()), mostPerClaim);
      const limit = wanted < 1 ? 0 : share.claims.take(wanted, pump);
      if (limit < 1) return;
      const claims = await claim(limit);
      if (claims.length === 0) return;
    }
  }

  async function claim(limit: number): Promise<readonly Claim[]> {
    let claims: readonly Claim[] = [];
    try {
      const { leaseMs } = options;
      claims = await queue.claim({ partition, limit, leaseMs, holder: parts.holder });
      for (const item of claims) run(item);
      return claims;
    } finally {
      share.claims.give(limit - claims.length);
    }
  }

  function run(claim: Claim): void {
    turnedAway.delete(claim.id);
    const turn = takeTurn(claim);
    const item = (
      open ? performItem(parts, claim, { stop: share.stop, mayRecordLook, turn }) : handBack(claim)
    )
      .then((ended) => turn.ended(ended))
      .catch((error: unknown) => itemInTrouble(claim, error))
      .finally(() => {
        claimed.delete(item);
        turn.leave();
        share.claims.give(1);
        if (open) pump();
      });
    claimed.add(item);
  }

  /** One item's turn at the partition; what is recorded after it is nobody's wait. */
  function takeTurn(claim: Claim): ItemTurn & { ended(end: ItemEnd): void; leave(): void } {
    let enteredAt: number | undefined;
    let place: 'none' | 'taken' | 'left' = 'none';
    let isPaced = false;
    const tookMs = (): number => clock.now() - (enteredAt ?? clock.now());
    const leave = (): void => {
      if (place === 'taken') turns.leave();
      place = 'left';
    };
    return {
      async enter() {
        await turns.enter();
        place = 'taken';
        enteredAt = clock.now();
      },
      wentWell(strain) {
        isPaced = true;
        paceItem(claim, { end: 'well', strain }, tookMs());
        leave();
        if (open) pump();
      },
      ended(end) {
        if (!isPaced || end.end !== 'well') paceItem(claim, end, tookMs());
      },
      leave,
    };
  }

  async function handBack(claim: Claim): Promise<ItemEnd> {
    await putBack({ parts, claim }, 0);
    return { end: 'idle', strain: 0 };
  }

  function paceItem(claim: Claim, { end, strain }: ItemEnd, tookMs: number): void {
    if (typeof end === 'object' && turnedAway.size < mostTurnedAway) turnedAway.set(claim.id, claim);
    become(afterItem(drain, { end, strain, tookMs }, options, clock.now()));
  }

  async function itemInTrouble(claim: Claim, error: unknown): Promise<void> {
    inTrouble('performing', error, claim.id);
    // Where this fails too, the lease runs out and the item is claimed again.
    await putBack({ parts, claim }, options.lookEveryMs).catch(() => {});
  }

  function inTrouble(doing: string, error: unknown, id?: string): void {
    become(afterTrouble(drain, options, clock.now()));
    parts.tell({ type: 'trouble', doing, error, partition, ...(id === undefined ? {} : { id }) });
  }

  function become(next: Drain): void {
    const isHeldLonger = next.heldUntil > drain.heldUntil;
    drain = next;
    turns.look();
    if (!isHeldLonger) return;
    hold?.cancel();
    hold = open ? clock.after(drain.heldUntil - clock.now(), release) : undefined;
  }

  function release(): void {
    hold?.cancel();
    hold = undefined;
    drain = released(drain);
    if (open) pump();
  }

  /** The wait of each item that was turned away was chosen for a partition that had not recovered. */
  async function callBack(): Promise<void> {
    const claims = [...turnedAway.values()];
    turnedAway.clear();
    try {
      await Promise.all(claims.map((claim) => putBack({ parts, claim }, 0)));
    } catch (error) {
      parts.tell({ type: 'trouble', doing: 'calling back postponed items', error, partition });
    }
    release();
  }

  function mayRecordLook({ id, postponements }: Deferral): boolean {
    const now = clock.now();
    if (now < lastLook + options.lookEveryMs || now < (recordAgainAt.get(id) ?? now)) return false;
    lastLook = now;
    // A new wait is as long as the time between two records: where the item had it, this is over by then.
    const [oldest] = recordAgainAt.size < mostTurnedAway ? [] : recordAgainAt.keys();
    if (oldest !== undefined) recordAgainAt.delete(oldest);
    recordAgainAt.set(id, now + lookDelayMs(postponements, options.lookEveryMs, options.lookCapMs));
    return true;
  }

  return {
    get claimed() {
      return claimed.size;
    },
    get running() {
      return turns.taken;
    },
    get atOnce() {
      return atOnce(drain.pace);
    },
    get idle() {
      return claimed.size === 0 && claiming === undefined && hold === undefined;
    },
    pump,
    wake: () => void callBack(),
    async close() {
      open = false;
      hold?.cancel();
      hold = undefined;
      await claiming;
      await Promise.all(claimed);
    },
  };
}
