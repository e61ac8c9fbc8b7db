import type { Exchange } from './exchange.ts';
import { resourceLimits } from './limits.ts';

/** The body of a request, or what is wrong with it, for people. */
export type JsonBody =
  | { readonly kind: 'json'; readonly value: unknown }
  /** `closes`: there is more of it, which is not read. */
  | { readonly kind: 'fault'; readonly detail: string; readonly closes: boolean }
  /** Its caller has gone. */
  | { readonly kind: 'gone' };

/** Reads a JSON body, or takes what a parser before the gate made of it. */
export async function readJsonBody(
  exchange: Exchange,
  mostBytes: number = resourceLimits.bodyBytes,
): Promise<JsonBody> {
  const { req } = exchange;
  if (req.readableDidRead) return ofParser(req.body);
  const encoding = req.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') return fault(`The body is encoded (${encoding}); send it as it is.`, true);
  const bytes = await readBytes(exchange, mostBytes);
  return Buffer.isBuffer(bytes) ? parse(bytes.toString('utf8')) : bytes;
}

/** Parsers give objects; raw and text ones give what they read. */
function ofParser(body: unknown): JsonBody {
  if (typeof body === 'string') return parse(body);
  if (body instanceof Uint8Array) return parse(Buffer.from(body).toString('utf8'));
  return body === undefined
    ? fault('The body was read by something before the gate, which left nothing of it.')
    : { kind: 'json', value: body };
}

function parse(text: string): JsonBody {
  try {
    return { kind: 'json', value: JSON.parse(text) as unknown };
  } catch {
    return fault('The body is not JSON; send an object such as {"thresholdMs": 200}.');
  }
}

function readBytes({ req, parts }: Exchange, bodyBytes: number): Promise<Buffer | JsonBody> {
  const { bodyMs } = resourceLimits;
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const done = (result: Buffer | JsonBody): void => {
      timer.cancel();
      req.off('data', take);
      req.pause();
      resolve(result);
    };
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > bodyBytes) done(fault(`The body is longer than ${bodyBytes} bytes.`, true));
      else chunks.push(chunk);
    };
    const timer = parts.clock.after(bodyMs, () =>
      done(fault(`The body did not come within ${bodyMs} ms.`, true)),
    );
    req.on('data', take);
    req.once('end', () => done(Buffer.concat(chunks)));
    req.once('close', () => done({ kind: 'gone' }));
    req.once('error', () => done({ kind: 'gone' }));
  });
}

function fault(detail: string, closes = false): JsonBody {
  return { kind: 'fault', detail, closes };
}
