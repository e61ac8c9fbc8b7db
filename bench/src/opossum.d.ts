declare module 'opossum' {
  /** The part of opossum that is used here. */
  export default class CircuitBreaker<Result> {
    constructor(action: () => Promise<Result>, options?: { readonly timeout?: number | false });
    fire(): Promise<Result>;
    shutdown(): void;
  }
}
