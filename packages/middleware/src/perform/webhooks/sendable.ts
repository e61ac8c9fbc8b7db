import type { PostResult } from './post-message.ts';

/** A message as it is sent this time. */
export interface Sendable {
  /** Where to, or why nobody could say. */
  readonly url:
    | { readonly kind: 'url'; readonly url: string }
    | Extract<PostResult, { readonly kind: 'failed' }>;
  readonly secret: readonly string[];
  readonly body: Uint8Array;
  /** Of the deferral; empty where it is of none. */
  readonly workType: string;
  /** The type of task that it is about, where it is about one. */
  readonly task?: string;
}
