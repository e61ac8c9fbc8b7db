import type { Benchmark } from '../benchmark.ts';
import { measureBesideHypercore, ours } from './beside/beside-hypercore.ts';
import { measureGrowing } from './growing.ts';
import { measureSealing } from './sealing.ts';

/** The ledger on the embedded engine. */
export const ledger: Benchmark = {
  name: 'ledger',
  title: 'the ledger: beside hypercore and a plain file, and what costs as it grows',
  packages: ['hypercore'],
  ours,
  async measure(run) {
    return [
      ...(await measureBesideHypercore(run)),
      ...(await measureSealing(run)),
      ...(await measureGrowing(run)),
    ];
  },
};
