import type { Engine } from '../engines/engine.ts';

/** Whose ledger. */
export interface LedgerName {
  readonly application: string;
  readonly group: string;
}

/** Where a ledger is copied from or to, as a URL names it. Nothing is opened yet. */
export interface Place {
  /** For people: without passwords. */
  readonly shown: string;
  /** The path of the file where the engine keeps a ledger's keys; absent where it keeps none and is given them. */
  readonly keyFile?: (ledger: LedgerName) => string;
  /** Whose ledgers are there; absent where the place can't tell. */
  readonly ledgers?: () => readonly LedgerName[];
  /** Rejects with what tells that a package is missing. `keys` are the bytes of the key file, for engines that are given it. */
  engine(keys: Uint8Array): Promise<Engine>;
}
