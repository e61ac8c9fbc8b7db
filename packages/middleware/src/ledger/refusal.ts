import { EngineError } from '../engines/engine-error.ts';
import { FateUnknownError, LedgerError } from './ledger-error.ts';

/**
 * What an acceptance rejects with. Before the append nothing is recorded, whatever became of the writes that prepare
 * it; where the ledger itself has come to its end, the engine's error says so to whoever asks for nothing but the fate.
 */
export function refusalOf(error: unknown, fate: 'none' | 'unknown'): unknown {
  if (error instanceof FateUnknownError) return error;
  if (error instanceof LedgerError && error.code.startsWith('ledger-')) {
    return new EngineError('engine-corrupt', fate, error.message, { cause: error });
  }
  if (!(error instanceof EngineError) || fate === 'unknown' || error.fate === 'none') return error;
  return new EngineError(error.code, 'none', error.message, { cause: error });
}
