declare module 'opossum' {
  /** The part of opossum that is used here. */
  export default class CircuitBreaker<Args extends readonly unknown[], Result> {
    constructor(action: (...args: Args) => Promise<Result>, options?: CircuitBreakerOptions);
    fire(...args: Args): Promise<Result>;
    /** Whether an error is its own: open, or the action took too long. */
    static isOurError(error: unknown): boolean;
    shutdown(): void;
  }

  /** Times in ms. */
  export interface CircuitBreakerOptions {
    readonly timeout?: number | false;
    readonly errorThresholdPercentage?: number;
    readonly resetTimeout?: number;
    readonly rollingCountTimeout?: number;
    readonly volumeThreshold?: number;
  }
}
