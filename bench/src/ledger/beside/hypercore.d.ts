declare module 'hypercore' {
  /** The part of a proof that is handed on. */
  export interface Proof {
    readonly block: { readonly value: Uint8Array };
  }

  /** The part of Hypercore that is used here. */
  export default class Hypercore {
    constructor(directory: string);
    readonly length: number;
    readonly manifest: unknown;
    readonly core: {
      audit(options: { readonly dryRun: boolean }): Promise<{
        readonly corrupt: boolean;
        readonly blocks: number;
      }>;
      readonly db: { readonly db: { currentWalFile(): Promise<{ readonly path: string }> } };
    };
    ready(): Promise<void>;
    append(blocks: readonly Uint8Array[]): Promise<unknown>;
    get(index: number): Promise<Uint8Array>;
    proof(options: {
      readonly block: { readonly index: number; readonly nodes: number };
      readonly upgrade: { readonly start: number; readonly length: number };
    }): Promise<Proof>;
    verifyFullyRemote(proof: Proof & { readonly manifest: unknown }): Promise<unknown>;
    close(): Promise<void>;
  }
}
