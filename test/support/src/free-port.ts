import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const host = '127.0.0.1';
// Below the ports that systems give to outgoing connections: one of those would take the port while its
// server is down, and a client that calls such a port again and again can end up connected to itself.
const lowest = 15_000;
const highest = 32_000;
const attempts = 100;

/** A port of the loopback address that nobody listens on, fit for a server that goes and comes back. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const port = randomInt(lowest, highest);
    if (await canListen(port)) return port;
  }
  throw new Error(`No free port was found between ${lowest} and ${highest}.`);
}

function canListen(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
