import { createHash } from 'node:crypto';
import type { Callable } from './callable.ts';
import { OperationError } from './operation-error.ts';

const sources = new WeakMap<object, string>();

/** Longest source, in characters. */
const mostCharacters = 262_144;

/**
 * A function that is written into the chain as its source: a JavaScript expression that gives a function, which sees nothing but its parameters and what is global. To
 * be used in a definition in a function's place. It runs only where its digest ({@link sourceDigest}) is among those that were allowed. Throws `operation-invalid`.
 */
export function fromSource(source: string): (...given: readonly unknown[]) => never {
  if (typeof source !== 'string' || source.length === 0 || source.length > mostCharacters) {
    throw new OperationError(
      'operation-invalid',
      `fromSource(): give the text of a function, ${mostCharacters} characters at most`,
    );
  }
  const stub = (): never => {
    throw new OperationError('function-refused', 'a function from source is run by operations alone');
  };
  sources.set(stub, source);
  return stub;
}

/** The source of a function that {@link fromSource} made; undefined for every other. */
export function sourceOf(call: Callable): string | undefined {
  return sources.get(call);
}

/** What a source is called, for the list of those that may run: base64 of a SHA-256. */
export function sourceDigest(source: string): string {
  return createHash('sha256').update(`source\n${source}`).digest('base64');
}
