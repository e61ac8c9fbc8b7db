declare module 'overload-protection' {
  import type { RequestHandler } from 'express';

  /** The part of overload-protection that is used here. */
  export default function protect(
    framework: 'express',
    options: {
      readonly production: boolean;
      readonly clientRetrySecs: number;
      /** ms. */
      readonly maxEventLoopDelay: number;
      readonly sampleInterval?: number;
    },
  ): RequestHandler & { stop(): void };
}
