/** What the service asks of the payment processor. All of it may be repeated: the processor knows transactions by their ids. */
export interface Processor {
  /** Reserves funds; false where it refuses. */
  authorize(id: string, amountCents: number): Promise<boolean>;
  /** Gives reserved funds back. */
  release(id: string): Promise<void>;
  /** Asks for settlement. What came of it the processor tells later, through the external interface. */
  settle(id: string, amountCents: number, signal: AbortSignal): Promise<void>;
}

const answerWithinMs = 5_000;

/** A processor at that address. */
export function processorAt(address: string): Processor {
  async function send(
    method: string,
    path: string,
    amountCents?: number,
    signal?: AbortSignal,
  ): Promise<number> {
    const limit = AbortSignal.timeout(answerWithinMs);
    const response = await fetch(`${address}${path}`, {
      method,
      headers: { 'Content-Type': 'application/json' },
      body: amountCents === undefined ? null : JSON.stringify({ amountCents }),
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    });
    await response.arrayBuffer();
    return response.status;
  }

  function unexpected(doing: string, status: number): Error {
    return new Error(`The processor answered ${status} to ${doing}.`);
  }

  return {
    async authorize(id, amountCents) {
      const status = await send('PUT', `/authorizations/${id}`, amountCents);
      if (status < 300 || status === 402) return status < 300;
      throw unexpected('an authorization', status);
    },
    async release(id) {
      const status = await send('DELETE', `/authorizations/${id}`);
      if (status >= 300) throw unexpected('a release', status);
    },
    async settle(id, amountCents, signal) {
      const status = await send('PUT', `/settlements/${id}`, amountCents, signal);
      if (status >= 300) throw unexpected('a settlement', status);
    },
  };
}
