import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import type { OpenEngine } from '../../engines/engine.ts';
import { type LedgerKeys, parseKeyFile } from '../../ledger/keys.ts';
import { UsageError } from '../failures.ts';
import type { Place } from '../place.ts';
import { placeOf } from '../places.ts';
import { usage } from '../read-options.ts';
import { readSecret } from '../secret-file.ts';
import { ledgerOf, withOpen } from '../which-ledger.ts';
import { engineSource } from './engine-source.ts';
import type { LedgerSource } from './source.ts';
import { tileDirectory } from './tile-directory.ts';
import { tileServer } from './tile-server.ts';
import { type TilePlace, tilesSource } from './tiles-source.ts';

/** The options by which every command that reads a ledger is told where it is. */
export const sourceOptions = ['ledger', 'application', 'group', 'keys', 'token'] as const;

/** What is typed for them. */
export type SourceOptions = Readonly<Partial<Record<(typeof sourceOptions)[number], string>>>;

/** How they are explained. */
export const sourceHelp = `  --ledger PLACE      where the ledger is
                        sqlite:DIRECTORY, nats:HOST:PORT,..., postgres://USER@HOST/DB
                                       an engine, as for copy; the application may go on meanwhile
                        tiles:DIRECTORY  C2SP tiles, as export writes them
                        https://HOST/slackwater/ledger/GROUP
                                       a running gate, or any server of C2SP tlog-tiles
  --application NAME, --group NAME
                      the gate's options, where an engine has several ledgers or can't tell
  --keys FILE         the ledger's key file, where the engine is given its keys
  --token FILE        a file with a JSON Web Token with the scope audit:read, for a gate: without it
                      its entries can't be read
`;

/** A ledger that is open to be read. */
export interface OpenSource {
  readonly source: LedgerSource;
  /** Its keys, where they are at hand. */
  readonly keys?: LedgerKeys;
  /** The engine it is in, if it is in one. */
  readonly engine?: OpenEngine;
}

/** Opens the ledger that was named, for the time of the work. Throws a `UsageError` where it was not, or can't be meant. */
export async function withSource<T>(
  command: string,
  options: SourceOptions,
  surroundings: { readonly clock: Clock; readonly say: (text: string) => void },
  work: (open: OpenSource) => Promise<T>,
): Promise<T> {
  const { ledger: where } = options;
  if (where === undefined) throw usage(command, '--ledger is missing');
  const tiles = await tilePlaceOf(command, where, options);
  if (tiles !== undefined) return work({ source: await tilesSource(tiles) });
  if (options.token !== undefined) throw usage(command, '--token is for a gate at https://...; leave it out');
  const place = placeOf('ledger', where, [...moreSchemes]);
  return inEngine(command, place, options, surroundings, work);
}

const moreSchemes = ['tiles:...', 'https://...'];

async function inEngine<T>(
  command: string,
  place: Place,
  options: SourceOptions,
  { clock, say }: { readonly clock: Clock; readonly say: (text: string) => void },
  work: (open: OpenSource) => Promise<T>,
): Promise<T> {
  const ledger = ledgerOf(command, place, options);
  if (place.keyFile === undefined && options.keys === undefined) {
    throw usage(command, `--keys is missing; ${place.shown} keeps no keys`);
  }
  const given = options.keys === undefined ? undefined : await readSecret(options.keys);
  const onTrouble = (doing: string, error: unknown): void =>
    say(`${doing}: ${error instanceof Error ? error.message : String(error)}`);
  return withOpen(place, given ?? new Uint8Array(0), { ...ledger, clock, onTrouble }, async (engine) => {
    const keys = given ?? (await keptKeys(place, ledger, engine));
    const source = await engineSource(place.shown, engine);
    return work({ source, engine, ...(keys && { keys: parseKeyFile(keys) }) });
  });
}

/** The keys that lie beside the ledger; undefined where they are gone. None are made. */
async function keptKeys(
  place: Place,
  ledger: Parameters<NonNullable<Place['keyFile']>>[0],
  engine: OpenEngine,
): Promise<Uint8Array | undefined> {
  const path = place.keyFile?.(ledger);
  if (path === undefined || !existsSync(path)) return undefined;
  return engine.keyFile(() => {
    throw new UsageError(`${path} is gone; put it back from its backup`);
  });
}

async function tilePlaceOf(
  command: string,
  where: string,
  options: SourceOptions,
): Promise<TilePlace | undefined> {
  const isServer = /^https?:\/\//.test(where);
  const directory = where.startsWith('tiles:') ? where.slice('tiles:'.length) : undefined;
  if (!isServer && directory === undefined) return undefined;
  const unfit = (['application', 'group', 'keys'] as const).find((name) => options[name] !== undefined);
  if (unfit !== undefined) throw usage(command, `--${unfit} is for a ledger in an engine; leave it out`);
  if (directory !== undefined) {
    if (options.token !== undefined)
      throw usage(command, '--token is for a gate at https://...; leave it out');
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new UsageError(
        `${directory} is no directory; give one with the file ${join('...', 'checkpoint')} in it`,
      );
    }
    return tileDirectory(directory);
  }
  if (!URL.canParse(where)) throw usage(command, '--ledger: that is no URL');
  const token = options.token === undefined ? undefined : await readSecret(options.token);
  return tileServer(where, token && Buffer.from(token).toString('utf8').trim());
}
