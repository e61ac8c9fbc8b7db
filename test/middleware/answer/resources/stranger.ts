/**
 * A client of transparency logs, written from RFC 6962 and the C2SP texts (signed-note, tlog-checkpoint, tlog-tiles) by somebody
 * who never heard of Slackwater: of its code nothing is used here, and there is nothing but what Node brings.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';

export interface Head {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
export const leafOf = (entry: Uint8Array): Buffer => sha256(Buffer.of(0), entry);
const nodeOf = (left: Uint8Array, right: Uint8Array): Buffer => sha256(Buffer.of(1), left, right);

/** signed-note: the text, where a signature by that key (`<name>+<hash>+<key>`) is good. */
export function openSigned(note: string, vkey: string): string {
  const [name = '', hash = '', key = ''] = vkey.split(/\+(.*?)\+(.*)/s);
  const keyBytes = Buffer.from(key, 'base64');
  if (keyBytes[0] !== 1) throw new Error('not Ed25519');
  const id = sha256(Buffer.from(`${name}\n`), keyBytes).subarray(0, 4);
  if (id.toString('hex') !== hash) throw new Error('the key id is not that of the key');
  const at = note.lastIndexOf('\n\n');
  const text = note.slice(0, at + 1);
  const x = keyBytes.subarray(1).toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  for (const line of note
    .slice(at + 2)
    .trimEnd()
    .split('\n')) {
    const [dash, signer, base64 = ''] = line.split(' ');
    const signature = Buffer.from(base64, 'base64');
    if (dash !== '\u2014' || signer !== name || !signature.subarray(0, 4).equals(id)) continue;
    if (verify(null, Buffer.from(text), publicKey, signature.subarray(4))) return text;
  }
  throw new Error('no good signature');
}

/** tlog-checkpoint. */
export function headIn(text: string): Head {
  const [origin = '', size = '', root = ''] = text.split('\n');
  return { origin, size: Number(size), root: Buffer.from(root, 'base64') };
}

/** tlog-tiles: reads the tree of a head whose tiles lie at `prefix`. */
export class TiledLog {
  readonly #cache = new Map<string, Promise<Buffer>>();

  readonly get: (path: string) => Promise<Buffer>;
  readonly size: number;

  constructor(size: number, get: (path: string) => Promise<Buffer>) {
    this.size = size;
    this.get = get;
  }

  /** MTH(D[first:end]), from the tiles alone. */
  async hash(first: number, end: number): Promise<Buffer> {
    const width = end - first;
    if (width === 0) return sha256();
    if (Number.isInteger(Math.log2(width)) && first % width === 0)
      return this.#subtree(Math.log2(width), first / width);
    const split = largestPowerOfTwoBelow(width);
    return nodeOf(await this.hash(first, first + split), await this.hash(first + split, end));
  }

  /** PATH(m, D[0:n]) of RFC 6962, section 2.1.1. */
  async inclusion(m: number, first = 0, end = this.size): Promise<Buffer[]> {
    if (end - first === 1) return [];
    const middle = first + largestPowerOfTwoBelow(end - first);
    return m < middle
      ? [...(await this.inclusion(m, first, middle)), await this.hash(middle, end)]
      : [...(await this.inclusion(m, middle, end)), await this.hash(first, middle)];
  }

  /** PROOF(m, D[n]) of RFC 6962, section 2.1.2. */
  async consistency(m: number): Promise<Buffer[]> {
    const subproof = async (to: number, first: number, end: number, whole: boolean): Promise<Buffer[]> => {
      if (to === end) return whole ? [] : [await this.hash(first, end)];
      const middle = first + largestPowerOfTwoBelow(end - first);
      return to <= middle
        ? [...(await subproof(to, first, middle, whole)), await this.hash(middle, end)]
        : [...(await subproof(to, middle, end, false)), await this.hash(first, middle)];
    };
    return subproof(m, 0, this.size, true);
  }

  /** The entries of a bundle. */
  async entries(index: number): Promise<Buffer[]> {
    const bundle = await this.#fetch(`tile/entries/${this.#place(0, index)}`);
    const entries: Buffer[] = [];
    for (let at = 0; at < bundle.length; ) {
      const end = at + 2 + bundle.readUInt16BE(at);
      entries.push(bundle.subarray(at + 2, end));
      at = end;
    }
    return entries;
  }

  async #subtree(height: number, index: number): Promise<Buffer> {
    const level = Math.floor(height / 8);
    const inTile = 2 ** (height - 8 * level);
    const [tile, at] = [Math.floor((index * inTile) / 256), (index * inTile) % 256];
    const bytes = await this.#fetch(`tile/${level}/${this.#place(level, tile)}`);
    let row = Array.from({ length: inTile }, (_, i) => bytes.subarray((at + i) * 32, (at + i + 1) * 32));
    while (row.length > 1)
      row = row.flatMap((hash, i) => (i % 2 === 0 ? [nodeOf(hash, row[i + 1] ?? hash)] : []));
    return row[0] ?? Buffer.alloc(0);
  }

  #place(level: number, index: number): string {
    const groups =
      String(index)
        .padStart(Math.ceil(String(index).length / 3) * 3, '0')
        .match(/.{3}/g) ?? [];
    const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
    const hashes = Math.floor(this.size / 256 ** level);
    return hashes >= (index + 1) * 256 ? path : `${path}.p/${hashes % 256}`;
  }

  #fetch(path: string): Promise<Buffer> {
    const known = this.#cache.get(path) ?? this.get(path);
    this.#cache.set(path, known);
    return known;
  }
}

/** The root that an inclusion proof leads to, leaf upwards (RFC 9162, section 2.1.3.2). */
export function rootByInclusion(leaf: Buffer, m: number, n: number, proof: readonly Buffer[]): Buffer {
  let [fn, sn, hash] = [m, n - 1, leaf];
  for (const sibling of proof) {
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeOf(sibling, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1];
    } else hash = nodeOf(hash, sibling);
    [fn, sn] = [fn >> 1, sn >> 1];
  }
  return hash;
}

/** Old and new root as a consistency proof has them (RFC 9162, section 2.1.4.2). */
export function rootsByConsistency(
  old: Head,
  n: number,
  proof: readonly Buffer[],
): readonly [Buffer, Buffer] {
  const path = Number.isInteger(Math.log2(old.size)) ? [old.root, ...proof] : [...proof];
  let [fn, sn] = [old.size - 1, n - 1];
  while (fn % 2 === 1) [fn, sn] = [fn >> 1, sn >> 1];
  let [fr, sr] = [path[0] ?? old.root, path[0] ?? old.root];
  for (const c of path.slice(1)) {
    if (fn % 2 === 1 || fn === sn) {
      [fr, sr] = [nodeOf(c, fr), nodeOf(c, sr)];
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1];
    } else sr = nodeOf(sr, c);
    [fn, sn] = [fn >> 1, sn >> 1];
  }
  return [fr, sr];
}

function largestPowerOfTwoBelow(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}
