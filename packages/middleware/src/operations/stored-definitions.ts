import { createHash } from 'node:crypto';
import { canonicalJson } from '@slackwater/shared';
import type { Clock } from '../clock.ts';
import type { EngineStore } from '../engines/store.ts';
import { invalid } from './operation-error.ts';
import { shown } from './rules.ts';

// Definitions that are data, in the store:
//
//   operation/definition/<hash of name>/<hash of version>   a version, JSON. It is created once, and stays: runs that began with it go on with it
//   operation/current/<hash of name>                        which version is started, JSON. Crash between the two: a version that nobody starts

const versionPrefix = 'operation/definition/';
const currentPrefix = 'operation/current/';
const perPage = 500;
/** The longest definition, in bytes of its JSON. */
export const maxDefinitionBytes = 262_144;

/** A definition as it is kept. */
export interface StoredDefinition {
  readonly name: string;
  readonly version: string;
  /** What `operationFromData` takes. */
  readonly definition: unknown;
  /** Who put it there: `code:<name>`, or `token:<subject>`. */
  readonly by: string;
  /** RFC 3339. */
  readonly at: string;
}

/** Keeps definitions in a store. */
export class StoredDefinitions {
  readonly #store: EngineStore;
  readonly #clock: Pick<Clock, 'wallNow'>;

  constructor(store: EngineStore, clock: Pick<Clock, 'wallNow'>) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Keeps a definition, and has it started from now on. A version that is there already must say the same. Throws `operation-invalid`.
   *
   * @param named its name and version, checked
   */
  async put(
    named: Pick<StoredDefinition, 'name' | 'version'>,
    definition: unknown,
    by: string,
  ): Promise<StoredDefinition> {
    const { name, version } = named;
    const said = canonicalOf(name, definition);
    const bytes = Buffer.byteLength(said);
    if (bytes > maxDefinitionBytes) {
      throw invalid(name, `its definition has ${bytes} bytes of JSON; ${maxDefinitionBytes} are the most`);
    }
    const at = new Date(this.#clock.wallNow()).toISOString();
    const stored: StoredDefinition = { name, version, definition, by, at };
    const created = await this.#store.create(versionKey(name, version), encode(stored));
    const there = created === undefined ? await this.find(name, version) : stored;
    if (there !== undefined && canonicalJson(there.definition) !== said) {
      throw invalid(
        name,
        `version ${JSON.stringify(version)} is there already, and says something else; give what changed another version`,
      );
    }
    await this.#store.put(currentPrefix + hashOf(name), encode({ name, version, by, at }));
    return there ?? stored;
  }

  /** A version; default the one that is started. Undefined where there is none. */
  async find(name: string, version?: string): Promise<StoredDefinition | undefined> {
    const wanted = version ?? (await this.#read(currentPrefix + hashOf(name)))?.version;
    return wanted === undefined ? undefined : this.#read(versionKey(name, wanted));
  }

  /** Which versions are started, by name; as many as one page has. */
  async list(): Promise<readonly Omit<StoredDefinition, 'definition'>[]> {
    const page = await this.#store.list(currentPrefix, { limit: perPage });
    return page.flatMap(({ value }) => decode(value) ?? []);
  }

  /** Has it started no more; what began goes on. False where there was none. */
  remove(name: string): Promise<boolean> {
    return this.#store.delete(currentPrefix + hashOf(name));
  }

  async #read(key: string): Promise<StoredDefinition | undefined> {
    const stored = await this.#store.get(key);
    return stored && decode(stored.value);
  }
}

function versionKey(name: string, version: string): string {
  return `${versionPrefix}${hashOf(name)}/${hashOf(version)}`;
}

function canonicalOf(name: string, definition: unknown): string {
  try {
    return canonicalJson(definition);
  } catch (error) {
    throw invalid(name, `its definition can not be written as JSON: ${shown(error)}`);
  }
}

/** Names are any text; keys are not. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function encode(value: object): Uint8Array {
  return Buffer.from(JSON.stringify({ v: 1, ...value }), 'utf8');
}

function decode(value: Uint8Array): StoredDefinition | undefined {
  try {
    const { v, ...stored } = JSON.parse(Buffer.from(value).toString('utf8')) as StoredDefinition & {
      v: unknown;
    };
    return v === 1 && typeof stored.name === 'string' && typeof stored.version === 'string'
      ? stored
      : undefined;
  } catch {
    return undefined;
  }
}
