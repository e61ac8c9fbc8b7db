/** One event of a stream (the HTML standard's server-sent events): its data, and how long its reader should wait to come back. */
export interface StreamEvent {
  readonly data: string;
  readonly retryMs: number | undefined;
}

/** More than any event of Slackwater has: what comes without an end is not kept. */
const maxEventLength = 2_097_152;

/** Reads events out of text that comes in pieces. */
export class EventReader {
  #rest = '';
  #data: string[] = [];
  #retryMs: number | undefined;
  #length = 0;

  /** What the last `retry:` said. */
  get retryMs(): number | undefined {
    return this.#retryMs;
  }

  /**
   * The events that are whole with this piece.
   *
   * @throws RangeError for an event that is longer than any of Slackwater's.
   */
  *read(piece: string): Iterable<StreamEvent> {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') this.#take(line);
      else if (this.#data.length > 0) {
        yield { data: this.#data.join('\n'), retryMs: this.#retryMs };
        this.#data = [];
        this.#length = 0;
      }
      this.#refuseEndless();
    }
    this.#refuseEndless();
  }

  #refuseEndless(): void {
    if (this.#rest.length + this.#length > maxEventLength)
      throw new RangeError('an event of the stream has no end');
  }

  #take(line: string): void {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') {
      this.#data.push(value);
      this.#length += value.length + 1;
    }
    if (field === 'retry' && /^\d{1,9}$/.test(value)) this.#retryMs = Number(value);
  }
}

/** The pieces of a streamed body as text, whatever kind of stream the adapter gave. */
export async function* piecesOf(body: unknown): AsyncIterable<string> {
  const decoder = new TextDecoder();
  for await (const chunk of chunksOf(body)) {
    yield typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
  }
}

async function* chunksOf(body: unknown): AsyncIterable<string | Uint8Array> {
  // Not every browser can iterate over its own streams.
  if (typeof ReadableStream !== 'undefined' && body instanceof ReadableStream) {
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
    } finally {
      reader.cancel().catch(() => {});
    }
  } else if (typeof body === 'object' && body !== null && Symbol.asyncIterator in body) {
    yield* body as AsyncIterable<string | Uint8Array>;
  }
}
