/** What a route may have in front of it or around it. */
export const contenders = [
  'bare Express',
  'Slackwater',
  'express-rate-limit',
  'rate-limiter-flexible',
  'overload-protection',
  'opossum',
  'cockatiel',
] as const;
export type Contender = (typeof contenders)[number];

/** Limits that are never reached: what is measured is letting through. */
export const never = { requests: 1_000_000_000, windowMs: 3_600_000, delayMs: 10_000 } as const;

/** How each is set, in words. */
export const settings: Readonly<Record<Contender, string>> = {
  'bare Express': 'express.json() and a route that answers',
  Slackwater:
    'three work types, four routes, deferring on the embedded engine; a partition with a full window of quick commits',
  'express-rate-limit': 'in memory, by address, headers as by default; a limit that is never reached',
  'rate-limiter-flexible': 'RateLimiterMemory, by address; a limit that is never reached',
  'overload-protection': 'its defaults, with a delay that is never reached',
  opossum: 'around the handler, with a timeout that is never reached',
  cockatiel: 'a circuit breaker around the handler',
};
