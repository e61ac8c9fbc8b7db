/** What a request would be let through as. */
export type Place =
  /** One of `limit` that may be unfinished while the partition recovers. */
  | { readonly kind: 'share'; readonly limit: number }
  /** The probe, which could have been taken since `freeSince`, monotonic ms. */
  | { readonly kind: 'probe'; readonly freeSince: number }
  /** The turn of a work type that has waited for long. */
  | { readonly kind: 'turn' }
  /** What was opened for whoever comes. */
  | { readonly kind: 'open' };
