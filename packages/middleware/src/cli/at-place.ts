import type { Clock } from '../clock.ts';
import type { OpenEngine } from '../engines/engine.ts';
import { parseKeyFile } from '../ledger/keys.ts';
import { type Ledger, openLedger } from '../ledger/open-ledger.ts';
import type { LedgerName, Place } from './place.ts';
import { placeOf } from './places.ts';
import { usage } from './read-options.ts';
import { readSecret } from './secret-file.ts';
import { ledgerOf, withOpen } from './which-ledger.ts';

/** Which ledger a command works on, as its options say. */
export interface AtPlace {
  readonly place: Place;
  readonly name: LedgerName;
  /** The bytes of the key file; none where the engine keeps them. */
  readonly keys: Uint8Array;
}

/** Options of commands that work on one ledger where it is. */
export const placeOptions = ['ledger', 'application', 'group', 'keys'] as const;

/** What their help says of them. */
export const placeHelp = `  --ledger URL        where the ledger is: sqlite:DIRECTORY, nats:HOST:PORT,... or postgres://USER@HOST/DB
  --application NAME  the gate's option "application"; needed where the place can't tell, or has several ledgers
  --group NAME        the gate's option "group"; main if not given
  --keys FILE         the ledger's key file, where its engine is given the keys and keeps none
`;

/** Reads those options. Rejects with a `UsageError`. */
export async function atPlace(
  command: string,
  given: Readonly<Partial<Record<(typeof placeOptions)[number], string>>>,
): Promise<AtPlace> {
  if (given.ledger === undefined) throw usage(command, '--ledger is missing');
  const place = placeOf('ledger', given.ledger);
  const name = ledgerOf(command, place, given);
  if (place.keyFile === undefined) {
    if (given.keys === undefined) throw usage(command, `--keys is missing; ${place.shown} keeps no keys`);
    const keys = await readSecret(given.keys);
    parseKeyFile(keys);
    return { place, name, keys };
  }
  if (given.keys !== undefined) throw usage(command, `--keys: ${place.shown} has its keys; leave it out`);
  return { place, name, keys: new Uint8Array() };
}

/** Opens the ledger for the time of the work; the application may have it open as well. */
export function withLedger<T>(
  { place, name, keys }: AtPlace,
  clock: Clock,
  work: (ledger: Ledger, engine: OpenEngine) => Promise<T>,
): Promise<T> {
  return withOpen(place, keys, { ...name, clock }, async (engine) => {
    const ledger = await openLedger({ ...name, clock, engine, engineTimeoutMs });
    try {
      return await work(ledger, engine);
    } finally {
      await ledger.close();
    }
  });
}

/** Nobody waits for an answer behind it, as callers of an application do. */
const engineTimeoutMs = 10_000;
