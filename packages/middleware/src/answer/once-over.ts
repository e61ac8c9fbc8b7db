import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Those behind another request of their connection, whose response has no connection yet. */
const behind = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls `over` once: when the response is closed, at once where it is, or when it can't be sent any more. A response that
 * waits for its turn on a connection is not closed with it by every release of Node.
 */
export function onceOver(socket: Socket, res: ServerResponse, over: () => void): void {
  if (res.closed) {
    over();
    return;
  }
  res.once('close', over);
  if (res.socket !== null) return;
  const lost = (): void => {
    res.off('close', over);
    over();
  };
  const others = behind.get(socket) ?? callAtClose(socket);
  others.add(lost);
  res.once('close', () => others.delete(lost));
}

/** One listener, however many requests a caller lets wait. */
function callAtClose(socket: Socket): Set<() => void> {
  const waiting = new Set<() => void>();
  behind.set(socket, waiting);
  socket.once('close', () => {
    for (const lost of waiting) lost();
  });
  return waiting;
}
