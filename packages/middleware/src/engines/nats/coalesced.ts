/**
 * Runs `work` for all callers of one moment together. A caller gets a run that begins at or after its call, never
 * one that was under way before.
 */
export function coalesced<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  let next: Promise<T> | undefined;

  function run(): Promise<T> {
    const begun = work().finally(() => {
      if (running === begun) running = undefined;
    });
    running = begun;
    return begun;
  }

  async function after(current: Promise<T>): Promise<T> {
    await current.catch(() => {});
    next = undefined;
    return run();
  }

  return () => {
    if (running === undefined && next === undefined) return run();
    next ??= after(running ?? Promise.resolve(undefined as T));
    return next;
  };
}
