type Method = (...args: unknown[]) => unknown;

/** Replaces a method of one object and leaves its class alone. Returns the way back, taken unless somebody replaced ours. */
export function replaceMethod(
  object: object,
  name: string | symbol,
  replacement: (original: Method, args: unknown[]) => unknown,
): () => void {
  const methods = object as Record<string | symbol, Method>;
  const original = methods[name];
  if (original === undefined) return () => {};
  const before = Object.getOwnPropertyDescriptor(object, name);
  const bound = original.bind(object);
  const ours: Method = (...args) => replacement(bound, args);
  Object.defineProperty(object, name, {
    value: ours,
    configurable: true,
    writable: true,
    enumerable: before?.enumerable ?? false,
  });
  return () => {
    if (methods[name] !== ours) return;
    if (before === undefined) Reflect.deleteProperty(object, name);
    else Object.defineProperty(object, name, before);
  };
}
