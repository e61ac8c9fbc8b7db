import { type CreateClientOptions, createClient, type SlackwaterClient } from '@slackwater/client-sdk';
import { type FastRuntime, fastRuntime, waitsOf } from './fast-runtime.ts';

/** Long enough, even a hundred times as fast, for the slowest machine. */
export const deadlineMs = 1_800_000;

/** Limits under fast time. Attempts go over real sockets, whose time no clock of ours can hurry: 5 s of it. */
export const limits = { deadlineMs, attemptTimeoutMs: 500_000 } as const;

/** A client whose time runs a hundred times as fast. */
export function fastClient(
  baseURL: string,
  { random, ...options }: Partial<CreateClientOptions> & { random?: () => number } = {},
): { client: SlackwaterClient; runtime: FastRuntime; waits: () => readonly number[] } {
  const runtime = fastRuntime(random);
  // What support/wire.ts defers is the digest of nothing.
  const given = { ...limits, requestDigest: 'ignore' as const, ...options };
  const client = createClient({ baseURL, runtime, ...given });
  return { client, runtime, waits: () => waitsOf(runtime, given.deadlineMs, given.attemptTimeoutMs) };
}

/** What a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error(`rejected with ${String(error)}, which is no error`);
  }
  throw new Error('it was not rejected');
}
