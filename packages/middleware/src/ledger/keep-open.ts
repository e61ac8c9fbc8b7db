import type { Clock } from '../clock.ts';
import type { Engine, EngineOpenOptions, OpenEngine } from '../engines/engine.ts';
import { EngineError } from '../engines/engine-error.ts';
import type { LedgerSetup } from './ledger-setup.ts';
import { type Ledger, openLedger } from './open-ledger.ts';

/** An engine and the ledger on it. */
export interface OpenRecords {
  readonly engine: OpenEngine;
  readonly ledger: Ledger;
}

/** What is opened, when it is needed, and kept open. */
export interface KeptRecords {
  /** What is open, or is being opened; a failed opening is tried again after a pause. */
  open(): Promise<OpenRecords>;
  /** The opening as far as it has come; undefined before it was begun, or after it failed. */
  readonly current: OpenRecords | undefined;
  /** Waits for what is under way and lets everything go. May be called twice. */
  close(): Promise<void>;
}

/** After a failed opening the error is given again for so long, ms. */
const pauseMs = 1_000;

/** Keeps one ledger, which is opened at the first call of `open`. */
export function keepOpen(
  engine: Engine,
  clock: Clock,
  setup: Omit<LedgerSetup, 'engine' | 'clock'> & Pick<EngineOpenOptions, 'onTrouble'>,
  onOpen: (records: OpenRecords) => void,
): KeptRecords {
  const { application, group, onTrouble } = setup;
  let opening: Promise<OpenRecords> | undefined;
  let current: OpenRecords | undefined;
  let closing: Promise<void> | undefined;

  async function begin(): Promise<OpenRecords> {
    const opened = await engine.open({ application, group, clock, ...(onTrouble && { onTrouble }) });
    try {
      const ledger = await openLedger({ ...setup, engine: opened, clock });
      current = { engine: opened, ledger };
      onOpen(current);
      return current;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  return {
    get current() {
      return current;
    },
    open() {
      if (closing !== undefined) return Promise.reject(closed());
      if (opening === undefined) {
        const attempt = begin();
        opening = attempt;
        attempt.catch(() => {
          clock.after(pauseMs, () => {
            if (opening === attempt) opening = undefined;
          });
        });
      }
      return opening;
    },
    close() {
      closing ??= end(opening);
      return closing;
    },
  };
}

async function end(opening: Promise<OpenRecords> | undefined): Promise<void> {
  const records = await opening?.catch(() => undefined);
  await records?.ledger.close();
  await records?.engine.close();
}

function closed(): EngineError {
  return new EngineError('engine-closed', 'none', 'The gate is closed.');
}
