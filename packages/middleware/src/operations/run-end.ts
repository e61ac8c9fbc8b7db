/** How a run left this process. */
export type RunEnd =
  | { readonly is: 'settled' | 'parked' | 'stopped' }
  /** Something of the engine's failed, or another process may have it. */
  | { readonly is: 'abandoned'; readonly error: unknown };

/** What waits for a person, or for a deployment, and goes on when that has come. */
export const parkingErrors: ReadonlySet<string> = new Set([
  'function-missing',
  'function-refused',
  'record-corrupt',
  'requester-erased',
]);
