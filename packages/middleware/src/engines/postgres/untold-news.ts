// News goes out as the payload of NOTIFY: a JSON array of the host that tells it, partitions, keys, and when
// something is due or null. The server takes less than 8,000 bytes.

const mostBytes = 7_000;

/** More than this wait only where they can't be told; who is interested finds them by looking. */
const mostPartitions = 1_000;
const mostKeys = 5_000;

/** What one notification tells. */
export interface News {
  readonly partitions: readonly string[];
  readonly keys: readonly string[];
  /** Unix milliseconds: the soonest of all that was put back. */
  readonly dueAt: number | undefined;
}

/** What was written and is still to be told: each partition and key once, and no more than is worth telling. */
export class UntoldNews {
  readonly #partitions = new Set<string>();
  readonly #keys = new Set<string>();
  #dueAt: number | undefined;

  enqueued(partition: string): void {
    if (this.#partitions.size < mostPartitions) this.#partitions.add(partition);
  }

  changed(key: string): void {
    if (this.#keys.size < mostKeys) this.#keys.add(key);
  }

  due(at: number): void {
    this.#dueAt = Math.min(at, this.#dueAt ?? at);
  }

  get isEmpty(): boolean {
    return this.#partitions.size === 0 && this.#keys.size === 0 && this.#dueAt === undefined;
  }

  /** Takes as much as one notification holds, partitions first: work waits for them. */
  take(): News {
    const room = { bytes: mostBytes };
    const dueAt = this.#dueAt;
    this.#dueAt = undefined;
    return { partitions: takeFrom(this.#partitions, room), keys: takeFrom(this.#keys, room), dueAt };
  }

  /** Forgets what there is: by the time that it could be told everybody has looked. */
  clear(): void {
    this.#partitions.clear();
    this.#keys.clear();
    this.#dueAt = undefined;
  }
}

function takeFrom(names: Set<string>, room: { bytes: number }): string[] {
  const taken: string[] = [];
  for (const name of names) {
    room.bytes -= Buffer.byteLength(JSON.stringify(name)) + 1;
    if (room.bytes < 0) break;
    names.delete(name);
    taken.push(name);
  }
  return taken;
}

/** The payload. Half a surrogate pair stays what it was: JSON escapes it. */
export function newsText(host: string, { partitions, keys, dueAt }: News): string {
  return JSON.stringify([host, partitions, keys, dueAt ?? null]);
}

/** What a payload tells, and who; undefined where it is none of ours: anybody who may connect may notify. */
export function readNews(text: string): (News & { readonly host: string }) | undefined {
  try {
    const [host, partitions, keys, dueAt] = JSON.parse(text) as unknown[];
    if (typeof host !== 'string' || !areNames(partitions) || !areNames(keys)) return undefined;
    return { host, partitions, keys, dueAt: typeof dueAt === 'number' ? dueAt : undefined };
  } catch {
    return undefined;
  }
}

function areNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string' && name.length > 0);
}
