import { EngineError } from '../engine-error.ts';

// Calls that come while others are on their way go together, next. One message for many calls is what makes many callers cheap.

/** While one lot is on its way the next may go; a third waits. */
const mostUnderWay = 2;
const mostWaiting = 20_000;
const mostWaitingBytes = 64 * 1024 * 1024;

/** How calls go together. */
export interface Gathering<Call, Answer> {
  /** At most so many go together. */
  readonly calls: number;
  /** And so many bytes, unless one has more by itself. */
  readonly bytes: number;
  sizeOf(call: Call): number;
  /** Performs some together, and gives an answer for each. What it rejects with is the answer to all of them. */
  perform(calls: readonly Call[]): Promise<readonly Answer[]>;
}

interface Waiting<Call, Answer> {
  readonly call: Call;
  readonly bytes: number;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/**
 * Performs calls with the next ones, in their order. Rejects with `engine-unavailable` where too much waits, and else with what
 * became of those that it went with.
 */
export function gathered<Call, Answer>(gathering: Gathering<Call, Answer>): (call: Call) => Promise<Answer> {
  let waiting: Waiting<Call, Answer>[] = [];
  let waitingBytes = 0;
  let underWay = 0;

  async function run(): Promise<void> {
    underWay += 1;
    while (waiting.length > 0) {
      // Callers that were all answered at once come again one after the other, within this turn.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const taken = waiting;
      waiting = [];
      waitingBytes = 0;
      await Promise.all(partsOf(taken).map(performOne));
    }
    underWay -= 1;
  }

  function partsOf(taken: readonly Waiting<Call, Answer>[]): Waiting<Call, Answer>[][] {
    const parts: Waiting<Call, Answer>[][] = [];
    let part: Waiting<Call, Answer>[] = [];
    let bytes = 0;
    for (const item of taken) {
      if (part.length === gathering.calls || bytes + item.bytes > gathering.bytes) {
        part = [];
        bytes = 0;
      }
      if (part.length === 0) parts.push(part);
      part.push(item);
      bytes += item.bytes;
    }
    return parts;
  }

  async function performOne(part: readonly Waiting<Call, Answer>[]): Promise<void> {
    try {
      const answers = await gathering.perform(part.map(({ call }) => call));
      for (const [i, item] of part.entries()) item.resolve(answers[i] as Answer);
    } catch (error) {
      for (const item of part) item.reject(error);
    }
  }

  return (call) => {
    const bytes = gathering.sizeOf(call);
    if (waiting.length >= mostWaiting || waitingBytes + bytes > mostWaitingBytes) {
      const text = `${waiting.length} calls of ${waitingBytes} bytes already wait for the NATS server; try again later.`;
      return Promise.reject(new EngineError('engine-unavailable', 'none', text));
    }
    return new Promise((resolve, reject) => {
      waiting.push({ call, bytes, resolve, reject });
      waitingBytes += bytes;
      if (underWay < mostUnderWay) void run();
    });
  };
}
