import type { Benchmark } from '../benchmark.ts';
import { measureGrowing } from './growing.ts';
import { measureSealing } from './sealing.ts';

/** The ledger on the embedded engine. */
export const ledger: Benchmark = {
  name: 'ledger',
  title: 'the ledger: sealing beside a plain file, and what costs as it grows',
  async measure(run) {
    return [...(await measureSealing(run)), ...(await measureGrowing(run))];
  },
};
