/** What callers saw since it was last asked. */
export interface Tally {
  /** Answered by the route. */
  answered: number;
  /** Told to retry later. */
  told: number;
  /** Not answered yet. */
  waiting: number;
  /** The longest that a caller has waited, or waits, for an answer of any kind. */
  slowestMs: number;
}

/** Callers that don't wait for each other: fifty contacts are made a second, and the list is read ten times. */
export function callers(contacts: string): { take(): Tally; stop(): void } {
  const since = new Map<number, number>();
  let tally: Tally = { answered: 0, told: 0, waiting: 0, slowestMs: 0 };
  let count = 0;

  async function send(body?: object): Promise<void> {
    const number = ++count;
    since.set(number, performance.now());
    try {
      const answer = await fetch(contacts, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
      });
      await answer.arrayBuffer();
      if (answer.status === 503) tally.told++;
      else tally.answered++;
    } catch {
      // The end has come while it waited.
    }
    tally.slowestMs = Math.max(tally.slowestMs, performance.now() - Number(since.get(number)));
    since.delete(number);
  }

  const making = setInterval(
    () => void send({ name: `Contact ${count}`, email: 'somebody@example.com' }),
    20,
  );
  const reading = setInterval(() => void send(), 100);
  return {
    take() {
      const now = performance.now();
      const longest = Math.max(0, ...[...since.values()].map((begun) => now - begun));
      const taken = { ...tally, waiting: since.size, slowestMs: Math.max(tally.slowestMs, longest) };
      tally = { answered: 0, told: 0, waiting: 0, slowestMs: 0 };
      return taken;
    },
    stop() {
      clearInterval(making);
      clearInterval(reading);
    },
  };
}
