import type { Handlers } from './handlers.ts';
import type { ScopeSession } from './scope-session.ts';

/** Appending together with what seals it, of the handlers that do each by itself. */
export function sealHandler(
  { append, create, get }: Handlers<'append' | 'create' | 'get'>,
  session: ScopeSession,
): Handlers<'appendSealed'> {
  return {
    appendSealed([scope, first, key, behind, now], [valueBehind, value, ...entries]) {
      if (valueBehind === undefined || value === undefined) throw new TypeError('values are missing');
      if (session.takePositions(0) !== first) return { value: false };
      if (behind !== null) {
        const [found] = get([scope, behind, now], []).blobs ?? [];
        if (found === undefined || Buffer.compare(found, valueBehind) !== 0) return { value: false };
      }
      // Created first: where it is there already, nothing has been done that would have to be undone.
      const { value: revision } = create([scope, key, null, now], [value]);
      if (revision === null) return { value: false };
      append([scope], entries);
      return { value: true };
    },
  };
}
