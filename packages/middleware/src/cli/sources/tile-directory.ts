import { createReadStream, existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { CommandFailed } from '../failures.ts';
import type { TilePlace } from './tiles-source.ts';

/** In a directory of tiles: a block's text on each line, by height. Of other logs there is none. */
export const blocksFile = 'blocks.ndjson';

/** A directory with `checkpoint`, `tile/...` and, where `slackwater export` wrote it, `blocks.ndjson`. */
export function tileDirectory(path: string): TilePlace {
  const directory = resolve(path);
  const blocks = join(directory, blocksFile);
  return {
    shown: `tiles:${directory}`,
    async get(name, mostBytes) {
      const file = join(directory, name);
      const stats = await stat(file).catch(() => undefined);
      if (stats?.isFile() !== true) return undefined;
      if (stats.size > mostBytes)
        throw new CommandFailed(`${file} has ${stats.size} bytes; it can have ${mostBytes} at most`);
      return readFile(file);
    },
    ...(existsSync(blocks) && {
      blocks: () => linesOf(blocks),
      async block(height) {
        let at = 0;
        for await (const line of linesOf(blocks)) if (at++ === height) return line;
        return undefined;
      },
    }),
    hasEntries: existsSync(join(directory, 'tile', 'entries')),
  };
}

async function* linesOf(file: string): AsyncGenerator<string> {
  yield* createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY });
}
