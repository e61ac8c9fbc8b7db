const smallestBytes = 16 * 1024;

/** Buffers to be filled again: making large ones over and over is what makes the collector go through the whole heap. */
const spare: Uint8Array<ArrayBuffer>[] = [];
const mostSpare = 2;
const longestSpare = 1024 * 1024;

/** Collects byte strings behind one another in one buffer that can be handed to another thread. */
export class BytePacker {
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #used = 0;

  /** How many bytes are in it. */
  get byteLength(): number {
    return this.#used;
  }

  /** Copies the byte strings in and gives their lengths: what the caller does to them later is his affair. */
  add(blobs: readonly Uint8Array[]): number[] {
    this.#reserve(blobs.reduce((sum, blob) => sum + blob.byteLength, 0));
    return blobs.map((blob) => {
      this.#buffer.set(blob, this.#used);
      this.#used += blob.byteLength;
      return blob.byteLength;
    });
  }

  /** A buffer of just the byte strings. Begins anew with an empty one. */
  take(): ArrayBuffer {
    // A full one goes as it is: a long page of entries is not copied once more.
    const isFull = this.#used === this.#buffer.byteLength;
    const { buffer } = isFull ? this.#buffer : this.#buffer.slice(0, this.#used);
    if (!isFull) this.#putBack();
    this.#buffer = new Uint8Array(0);
    this.#used = 0;
    return buffer;
  }

  #reserve(more: number): void {
    const needed = this.#used + more;
    if (needed <= this.#buffer.byteLength) return;
    const last = spare.at(-1);
    const grown =
      last !== undefined && needed <= last.byteLength
        ? last
        : new Uint8Array(Math.max(smallestBytes, this.#buffer.byteLength * 2, needed));
    if (grown === last) spare.pop();
    grown.set(this.#buffer.subarray(0, this.#used));
    this.#putBack();
    this.#buffer = grown;
  }

  #putBack(): void {
    const { byteLength } = this.#buffer;
    if (byteLength > 0 && byteLength <= longestSpare && spare.length < mostSpare) spare.push(this.#buffer);
  }
}

/** Reads byte strings back in the order in which they were packed. */
export class ByteUnpacker {
  readonly #buffer: ArrayBuffer;
  #at = 0;

  constructor(buffer: ArrayBuffer) {
    this.#buffer = buffer;
  }

  /** The next byte strings, as views of the buffer. */
  views(lengths: readonly number[]): Uint8Array[] {
    return lengths.map((length) => {
      const view = new Uint8Array(this.#buffer, this.#at, length);
      this.#at += length;
      return view;
    });
  }

  /** The next byte strings in memory of their own, so that who keeps one does not keep the whole buffer. */
  copies(lengths: readonly number[]): Uint8Array[] {
    if (lengths.length === 0) return [];
    const total = lengths.reduce((sum, length) => sum + length, 0);
    if (total === this.#buffer.byteLength) return this.views(lengths);
    const own = new ByteUnpacker(this.#buffer.slice(this.#at, this.#at + total));
    this.#at += total;
    return own.views(lengths);
  }
}
