/** A signal that is aborted as soon as one of the others is; `release` lets go of them. */
export interface EitherSignal {
  readonly signal: AbortSignal;
  release(): void;
}

/**
 * Like `AbortSignal.any`, but it leaves nothing behind on a source that lives as long as the process.
 */
export function eitherSignal(...sources: readonly AbortSignal[]): EitherSignal {
  const either = new AbortController();
  const abort = (): void => either.abort();
  for (const source of sources) {
    if (source.aborted) abort();
    else source.addEventListener('abort', abort, { once: true });
  }
  return {
    signal: either.signal,
    release() {
      for (const source of sources) source.removeEventListener('abort', abort);
    },
  };
}
