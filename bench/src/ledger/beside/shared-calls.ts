/** Makes a call that those share who ask while one is under way: each is answered by one that began after it asked. */
export function sharedCalls(call: () => Promise<void>): () => Promise<void> {
  let underWay: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  return () => {
    next ??= (underWay ?? Promise.resolve()).then(() => {
      underWay = next;
      next = undefined;
      return call();
    });
    return next;
  };
}
