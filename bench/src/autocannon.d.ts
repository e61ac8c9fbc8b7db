declare module 'autocannon' {
  /** The part of autocannon's options that is used here. */
  export interface LoadOptions {
    readonly url: string;
    readonly method: string;
    readonly connections: number;
    /** Seconds. */
    readonly duration: number;
    /** How often it looks whether it is over, ms. */
    readonly sampleInt: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  }

  export interface LoadResult {
    readonly totalCompletedRequests: number;
    /** ms. */
    readonly latency: { readonly p50: number; readonly p99: number };
    readonly errors: number;
    readonly timeouts: number;
    readonly non2xx: number;
    readonly statusCodeStats: Readonly<Record<string, { readonly count: number }>>;
    readonly start: Date;
    readonly finish: Date;
  }

  export default function autocannon(options: LoadOptions): Promise<LoadResult>;
}
