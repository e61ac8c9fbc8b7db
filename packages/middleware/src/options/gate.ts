import type { RequestHandler } from 'express';
import type { Ledger } from '../ledger/open-ledger.ts';
import type { LatencyTable } from '../measure/latency-table.ts';
import type { CancelResult } from '../perform/cancel.ts';
import type { ReplayApp } from '../perform/through-app.ts';
import type { GateEvents } from './gate-events.ts';

/** What {@link slackwater} gives: a request handler, to be mounted before the routes, that has these besides. */
export interface Gate extends RequestHandler {
  /** Latency of each partition on this host. `latency.commit(partition, fn)` measures what no driver observes. */
  readonly latency: LatencyTable;
  /** The ledger, once it is open; undefined where there is no engine. Rejects where it can't be opened. */
  readonly ledger: Promise<Ledger> | undefined;
  readonly deferrals: GateDeferrals;
  /** Listens to what the gate tells. Returns how to end it. */
  on<Name extends keyof GateEvents>(name: Name, listener: (event: GateEvents[Name]) => void): () => void;
  /** Says through which application deferrals are performed, where the gate is not mounted on it directly. */
  attach(app: ReplayApp): void;
  /**
   * Opens the ledger and begins to perform. It happens by itself when the server listens or the first request comes.
   * Rejects where the ledger can't be opened.
   */
  start(): Promise<void>;
  /** Ends attempts under way, timers and the engine. The application can go on; the gate then lets everything through. */
  close(): Promise<void>;
}

/** What the application itself may do with deferrals. */
export interface GateDeferrals {
  /** Cancels one that nobody performs. */
  cancel(id: string): Promise<CancelResult>;
  /** How many are under way in this process. */
  readonly inFlight: number;
}
