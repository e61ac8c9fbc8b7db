import autocannon from 'autocannon';

/** What is sent, again and again. */
export interface Load {
  readonly url: string;
  readonly connections: number;
  readonly forMs: number;
  /** The status that every answer should have. */
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What became of it. */
export interface Loaded {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Answers per second to POST requests over connections that are kept open, the next request after each answer. */
export async function answersPerSecond(load: Load): Promise<number> {
  return (await loadOf(load)).perSecond;
}

/** The same, with how long answers take. */
export async function loadOf(load: Load): Promise<Loaded> {
  const { url, connections, forMs, headers, body } = load;
  const result = await autocannon({
    url,
    connections,
    method: 'POST',
    duration: forMs / 1_000,
    sampleInt: 50,
    ...(headers && { headers }),
    ...(body === undefined ? {} : { body }),
  });
  const wanted = result.statusCodeStats[load.status]?.count ?? 0;
  // A few others are borne: a gate whose partition is slow lets one request through now and then.
  if (wanted < 0.99 * result.totalCompletedRequests || result.errors > 0) {
    throw new Error(
      `${url}: ${result.errors} errors, ${JSON.stringify(result.statusCodeStats)}; ${load.status} was expected.`,
    );
  }
  const perSecond = wanted / ((result.finish.getTime() - result.start.getTime()) / 1_000);
  return { perSecond, p50Ms: result.latency.p50, p99Ms: result.latency.p99 };
}
