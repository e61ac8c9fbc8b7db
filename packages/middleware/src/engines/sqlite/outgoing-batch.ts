import { EngineError } from '../engine-error.ts';
import { BytePacker, ByteUnpacker } from './byte-packing.ts';
import type { Reply } from './handlers.ts';
import {
  type CallName,
  type CallTypes,
  type Failure,
  isWrite,
  type PackedAnswer,
  type PackedCall,
  type ToThread,
} from './protocol.ts';

/** Bounds of one transaction: so long it may hold the lock, and so much this thread has to answer at a time. */
const mostCalls = 512;
const fewCalls = 128;
const mostBytes = 1024 * 1024;
/** A call with so many byte strings has been made ready for long, and takes long: it shares a transaction with no other such call. */
const manyBlobs = 64;

/** Who waits for an answer. */
export interface Waiter {
  readonly write: boolean;
  resolve(reply: Reply<CallTypes[CallName]['value']>): void;
  reject(error: EngineError): void;
}

/** Calls that travel to the thread together and become one transaction there. */
export class OutgoingBatch {
  readonly #packer = new BytePacker();
  #calls: PackedCall[] = [];
  readonly #waiters: Waiter[] = [];
  #answered = 0;
  #hasLongCall = false;

  /** Takes a call; its byte strings are copied. */
  add(
    name: CallName,
    args: CallTypes[CallName]['args'],
    blobs: readonly Uint8Array[],
    waiter: WaiterEnds,
  ): void {
    this.#calls.push([name, args, this.#packer.add(blobs)]);
    this.#hasLongCall ||= blobs.length >= manyBlobs;
    this.#waiters.push({ ...waiter, write: isWrite(name) });
  }

  /**
   * Whether the next call belongs into another batch. Of many pending calls a batch takes half, so that the
   * thread performs one half while this side answers the other; of long ones it takes one. One call alone may be larger than
   * the bound.
   */
  isFull(callsPending: number, blobs: readonly Uint8Array[]): boolean {
    if (this.#hasLongCall && blobs.length >= manyBlobs) return true;
    const share = Math.min(mostCalls, Math.max(fewCalls, callsPending / 2));
    return this.#waiters.length >= share || this.#packer.byteLength >= mostBytes;
  }

  get byteLength(): number {
    return this.#packer.byteLength;
  }

  /** How many calls have no answer yet. */
  get unanswered(): number {
    return this.#waiters.length - this.#answered;
  }

  /** What is sent. To be called once. */
  message(): { readonly message: ToThread; readonly transfer: ArrayBuffer[] } {
    const bytes = this.#packer.take();
    const calls = JSON.stringify(this.#calls);
    this.#calls = [];
    return { message: { kind: 'calls', calls, bytes }, transfer: [bytes] };
  }

  /** Reads the next answers; the callers get them when the function that it gives is called. */
  reader(text: string, bytes: ArrayBuffer): () => void {
    const answers: PackedAnswer[] = JSON.parse(text);
    const waiters = this.#waiters.slice(this.#answered, this.#answered + answers.length);
    this.#answered += answers.length;
    return () => {
      const unpacker = new ByteUnpacker(bytes);
      waiters.forEach((waiter, index) => {
        const [value = null, lengths = [], failure] = answers[index] ?? [];
        if (failure === undefined) waiter.resolve({ value, blobs: unpacker.copies(lengths) });
        else waiter.reject(toError(failure, waiter.write));
      });
    };
  }

  /** Gives everyone who still waits the same bad news. For who only read, the fate is always `none`. */
  fail(failure: Failure): void {
    for (const waiter of this.#waiters.slice(this.#answered)) waiter.reject(toError(failure, waiter.write));
    this.#answered = this.#waiters.length;
  }
}

type WaiterEnds = Omit<Waiter, 'write'>;

function toError({ code, fate, message }: Failure, write: boolean): EngineError {
  return new EngineError(code, write ? fate : 'none', message);
}
