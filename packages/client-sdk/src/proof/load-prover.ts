/** What checks proofs. */
export type Prover = typeof import('./prover.ts');

let loading: Promise<Prover> | undefined;

/** Loads what checks proofs, once. Where that fails, as it may over a network, it is tried again the next time. */
export async function loadProver(): Promise<Prover> {
  loading ??= import('./prover.ts');
  try {
    return await loading;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}
