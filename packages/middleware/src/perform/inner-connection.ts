import { isIP } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';

/** Two ends of a connection that never leaves this process. */
export interface InnerConnection {
  /** What the server takes for a socket. */
  readonly serverEnd: Duplex;
  readonly clientEnd: Duplex;
  /** Ends both. May be called any number of times. */
  destroy(): void;
}

/** Whose connection it stands for. */
export interface InnerPeer {
  readonly remoteAddress: string | undefined;
  /** True where the original connection was TLS: `req.secure` and `req.protocol` follow it. */
  readonly secure: boolean;
}

/**
 * Opens a connection in memory. The server's end has what applications and frameworks ask of a socket; its
 * timeouts do nothing, because an attempt has a time limit of its own.
 */
export function openInnerConnection(peer: InnerPeer): InnerConnection {
  const [serverEnd, clientEnd] = duplexPair();
  Object.assign(serverEnd, socketManners(serverEnd), {
    remoteAddress: peer.remoteAddress,
    remoteFamily: familyOf(peer.remoteAddress),
    // Set only where it is true: some middleware asks whether the property is there.
    ...(peer.secure ? { encrypted: true } : {}),
  });
  // Ends that break say so through the request and response that use them.
  serverEnd.on('error', () => {});
  clientEnd.on('error', () => {});
  return {
    serverEnd,
    clientEnd,
    destroy() {
      clientEnd.destroy();
      serverEnd.destroy();
    },
  };
}

function familyOf(address: string | undefined): string | undefined {
  const version = isIP(address ?? '');
  return version === 0 ? undefined : `IPv${version}`;
}

/** The methods of a socket that a plain Duplex lacks. */
function socketManners(end: Duplex): object {
  const itself = (): Duplex => end;
  return {
    setTimeout: itself,
    setNoDelay: itself,
    setKeepAlive: itself,
    ref: itself,
    unref: itself,
    address: () => ({}),
    destroySoon() {
      if (end.writable) end.end();
      if (end.writableFinished) end.destroy();
      else end.once('finish', () => end.destroy());
    },
  };
}
