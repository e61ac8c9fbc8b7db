/** What a call's body is made from: the caller's value, and how axios turns it into what is sent. */
export interface BodySource {
  /** The caller's `data` as the first transformation saw it; undefined where none ran. */
  readonly given: unknown;
  /** Makes the body anew from `given`; undefined where that is not possible. */
  readonly remake: (() => unknown) | undefined;
}

/** Whether a body that was made by axios can be sent a second time as it is. */
export function isRepeatable(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return true;
  if (hasMethod(body, 'pipe') || hasMethod(body, 'getReader') || hasMethod(body, 'next')) return false;
  // A Blob can be streamed as often as one likes; other async iterables once.
  return !hasMethod(body, Symbol.asyncIterator) || hasMethod(body, 'arrayBuffer');
}

/** Whether a stream has been read already, so that sending it would send nothing and look like success. */
export function isConsumed(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || isRepeatable(body)) return false;
  return isTrue(body, 'readableDidRead') || isTrue(body, 'destroyed') || isTrue(body, 'locked');
}

/** Whether what the caller gave can make a body more than once: a factory, or data that is no stream. */
export function isSourceRepeatable(given: unknown): boolean {
  return typeof given === 'function' || isRepeatable(given);
}

/** Where the body can be made again from what the caller gave, how. */
export function bodySource(given: unknown, remake: () => unknown): BodySource {
  return { given, remake: isSourceRepeatable(given) ? remake : undefined };
}

function hasMethod(value: object, name: string | symbol): boolean {
  return typeof Reflect.get(value, name) === 'function';
}

function isTrue(value: object, name: string): boolean {
  return Reflect.get(value, name) === true;
}
