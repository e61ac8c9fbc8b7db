import type { Handlers } from './handlers.ts';
import type { ScopeSession } from './scope-session.ts';

/** Appending together with what seals it, of the handlers that do each by itself. */
export function sealHandler(
  { append, create }: Handlers<'append' | 'create'>,
  session: ScopeSession,
): Handlers<'appendSealed'> {
  return {
    appendSealed([scope, first, key, now], blobs) {
      if (session.takePositions(0) !== first) return { value: false };
      // Created first: where it is there already, nothing has been done that would have to be undone.
      const { value: revision } = create([scope, key, null, now], blobs.slice(-1));
      if (revision === null) return { value: false };
      append([scope], blobs.slice(0, -1));
      return { value: true };
    },
  };
}
