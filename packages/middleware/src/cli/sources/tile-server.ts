import { CommandFailed } from '../failures.ts';
import { inAdvance } from './in-advance.ts';
import type { TilePlace } from './tiles-source.ts';
import { whyNotFetched } from './why-not-fetched.ts';

const timeoutMs = 30_000;
const blocksAhead = 16;
const mostBlockBytes = 4 * 2_097_152;

/**
 * A running gate, or any other server of C2SP tlog-tiles: `url` is the prefix, `https://shop.example/slackwater/ledger/main`. With a
 * token that has the scope `audit:read` entries are read, too.
 */
export async function tileServer(url: string, token: string | undefined): Promise<TilePlace> {
  const prefix = url.endsWith('/') ? url : `${url}/`;
  const { origin, pathname } = new URL(prefix);
  const shown = `${origin}${pathname}`;
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };

  async function get(path: string, mostBytes: number): Promise<Uint8Array | undefined> {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      // A redirection would send the token to where nobody said it should go.
      const response = await fetch(`${prefix}${path}`, { headers, signal, redirect: 'error' });
      if (response.status === 404) {
        await response.body?.cancel();
        return undefined;
      }
      if (!response.ok) throw new CommandFailed(`${shown}${path} was answered with ${response.status}`);
      return await bounded(response, mostBytes, `${shown}${path}`);
    } catch (error) {
      if (error instanceof CommandFailed) throw error;
      throw new CommandFailed(`${shown}${path} can't be read: ${whyNotFetched(error, new URL(prefix))}`);
    }
  }

  async function block(height: number): Promise<string | undefined> {
    const bytes = await get(`blocks/${height}`, mostBlockBytes);
    return bytes && Buffer.from(bytes).toString('utf8');
  }

  async function* blocks(size: number): AsyncGenerator<string> {
    if (size === 0) return;
    for await (const text of inAdvance(heights(), blocksAhead, block)) {
      if (text === undefined) return;
      yield text;
      if (sizeIn(text) >= size) return;
    }
  }

  const hasBlocks = (await block(0)) !== undefined;
  return { shown, get, ...(hasBlocks && { blocks, block }), hasEntries: token !== undefined };
}

function* heights(): Generator<number> {
  for (let height = 0; ; height++) yield height;
}

/** What a text that may be a block says of the tree's size: to know when to stop, whoever verifies it looks closer. */
function sizeIn(text: string): number {
  try {
    const { size } = JSON.parse(text) as { size?: unknown };
    return typeof size === 'number' ? size : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

async function bounded(response: Response, mostBytes: number, shown: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > mostBytes) throw new CommandFailed(`${shown} goes on for more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
