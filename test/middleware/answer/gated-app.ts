import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Gate, type SlackwaterOptions, slackwater, sqliteEngine } from '@slackwater/middleware';
import express, { type Express } from 'express';

/** A gate with a ledger before the routes of an application; what commits is told it by `latency.commit`. */
export interface GatedApp {
  readonly gate: Gate;
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** The partition of {@link options}. */
export const partition = 'answering';

/** One work type, deferred for who asks for it and says in `x-customer` who that is. */
export const options = {
  application: 'answering',
  workTypes: { order: { priority: 1, thresholdMs: 30, whenOver: 'defer' } },
  partition,
  requester: (req) => req.get('x-customer'),
  perform: { lookEveryMs: 50 },
  // A machine that is busy for a second must not look like an engine that does not answer.
  ledger: { engineTimeoutMs: 30_000 },
  // Seldom, so that what a test sends is not by chance the probe.
  latency: { probeEveryMs: 60_000 },
} as const satisfies SlackwaterOptions;

/** Serves what `build` makes of an empty application and a gate. */
export async function serve(
  build: (app: Express, gate: Gate) => void,
  more: SlackwaterOptions = {},
): Promise<GatedApp> {
  const directory = mkdtempSync(join(tmpdir(), 'slackwater-answering-'));
  const gate = slackwater({ ...options, engine: sqliteEngine({ directory }), ...more });
  const app = express();
  build(app, gate);
  const http = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return {
    gate,
    port,
    url: `http://127.0.0.1:${port}`,
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await gate.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Lets commits be slow until the gate knows, and takes the probe that is then due. */
export async function overload({ gate, url }: GatedApp): Promise<void> {
  const slowly = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 40));
  await Promise.all(Array.from({ length: 8 }, () => gate.latency.commit(partition, slowly)));
  await post(`${url}/probe`, {});
}

/** A POST of JSON that gives up after 30 s, for answers that would never come. */
export function post(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
}

/** The same, and waits for as long as a busy machine takes. */
export function patiently(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

/** A connection that what is given was written to. */
export function write(port: number, text: string): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(text);
  return socket;
}

/** Resolves after so many ms of real time. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
