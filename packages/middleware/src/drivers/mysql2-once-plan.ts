import type { Mysql2Effect } from './mysql2-text.ts';

/** What is to be known of a session before a statement of a request that is to be done once. */
export interface OnceFacts {
  /** A transaction is open, as the server said. */
  readonly isOpen: boolean;
  readonly autocommit: boolean;
  /** The request has its completion row in that transaction. */
  readonly hasRow: boolean;
}

/** What is done about such a statement. */
export type OncePlan =
  | { readonly do: 'run' }
  /** It begins a transaction: its row comes straight behind it. */
  | { readonly do: 'row-behind' }
  /** It is the first to matter in a transaction that nobody was seen to begin: the row comes before it. */
  | { readonly do: 'row-before' }
  /** It would commit by itself: it gets a transaction around it, with the row. */
  | { readonly do: 'wrap' }
  | { readonly do: 'refuse-string' }
  | { readonly do: 'refuse'; readonly why: string };

/** Decides where a statement's completion row goes, or why it can have none. `effects` are those of the text's statements, in order. */
export function planOnce(effects: readonly Mysql2Effect[], facts: OnceFacts): OncePlan {
  for (const effect of effects) {
    const why = cantShare(effect, facts);
    if (why !== undefined) return { do: 'refuse', why };
  }
  const telling = effects.filter((effect) => effect !== 'none');
  const effect = telling.find((one) => writes.has(one)) ?? telling[0] ?? 'none';
  if (effects.length > 1 && !isOneTransaction(telling, facts)) return { do: 'refuse-string' };
  switch (effect) {
    case 'begin':
    case 'commit-chain':
    case 'rollback-chain':
      return { do: 'row-behind' };
    case 'write':
    case 'call-writer':
    case 'call-procedure':
    case 'call':
      if (facts.isOpen || !facts.autocommit) return { do: facts.hasRow ? 'run' : 'row-before' };
      return { do: 'wrap' };
    case 'savepoint':
      // What comes behind it may be taken back to it, and the row must not go with that.
      return { do: facts.hasRow || (facts.autocommit && !facts.isOpen) ? 'run' : 'row-before' };
    default:
      return { do: 'run' };
  }
}

/** Why a statement can't go together with a row. */
function cantShare(effect: Mysql2Effect, { isOpen, autocommit }: OnceFacts): string | undefined {
  switch (effect) {
    case 'define':
    case 'end':
      return 'a statement that commits implicitly';
    case 'xa-begin':
    case 'xa-prepare':
    case 'xa-commit':
    case 'xa-commit-one-phase':
      return 'an XA transaction';
    case 'call':
    case 'call-procedure':
      return isOpen || !autocommit
        ? undefined
        : 'a CALL, or another statement that may commit by itself, outside a transaction';
    default:
      return undefined;
  }
}

/** Whether several statements stay within one transaction: writes, the last of which may be followed by its end. */
function isOneTransaction(telling: readonly Mysql2Effect[], { isOpen, autocommit }: OnceFacts): boolean {
  const last = telling.at(-1);
  const endsIt = (last === 'commit' || last === 'rollback') && (isOpen || !autocommit);
  const before = endsIt ? telling.slice(0, -1) : telling;
  return before.every((effect) => stays.has(effect));
}

const writes: ReadonlySet<Mysql2Effect> = new Set(['write', 'call-writer', 'call-procedure', 'call']);
const stays: ReadonlySet<Mysql2Effect> = new Set(['write', 'call-writer', 'savepoint']);
