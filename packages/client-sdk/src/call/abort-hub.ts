/** The part of an abort signal that axios asks for. */
export interface SignalLike {
  readonly aborted: boolean;
  readonly addEventListener?: (type: 'abort', listener: () => void) => void;
  readonly removeEventListener?: (type: 'abort', listener: () => void) => void;
  readonly reason?: unknown;
}

interface Hub {
  readonly waiting: Set<() => void>;
  readonly onAbort: () => void;
}

const hubs = new WeakMap<SignalLike, Hub>();

/**
 * Calls back when one of the signals fires; returns what ends that. One listener on a signal serves all who wait for it, for it may be that of ten
 * thousand calls.
 */
export function onAbortOfAny(signals: readonly SignalLike[], listener: () => void): () => void {
  const [only] = signals;
  if (only !== undefined && signals.length === 1) return onAbort(only, listener);
  const leaves = signals.map((signal) => onAbort(signal, listener));
  return () => {
    for (const leave of leaves) leave();
  };
}

function onAbort(signal: SignalLike, listener: () => void): () => void {
  const hub = hubs.get(signal) ?? newHub(signal);
  // The same function may wait twice.
  const own = hub.waiting.has(listener) ? (): void => listener() : listener;
  hub.waiting.add(own);
  return () => {
    if (!hub.waiting.delete(own) || hub.waiting.size > 0) return;
    hubs.delete(signal);
    signal.removeEventListener?.('abort', hub.onAbort);
  };
}

function newHub(signal: SignalLike): Hub {
  const waiting = new Set<() => void>();
  const fire = (): void => {
    hubs.delete(signal);
    signal.removeEventListener?.('abort', fire);
    const told = [...waiting];
    waiting.clear();
    for (const listener of told) listener();
  };
  const hub = { waiting, onAbort: fire };
  hubs.set(signal, hub);
  signal.addEventListener?.('abort', fire);
  return hub;
}
