import type { LedgerReport } from '@slackwater/shared';
import { systemClock } from '../../packages/middleware/src/clock.ts';
import { namesOf } from '../../packages/middleware/src/engines/nats/names.ts';
import { natsEngine } from '../../packages/middleware/src/engines/nats/nats-engine.ts';
import { verifyStored } from '../../packages/middleware/src/ledger/verify.ts';

/** Where a ledger is, and what is known of it. */
export interface LedgerOnNats {
  readonly servers: readonly string[];
  readonly keyFile: Uint8Array;
  readonly verifierKey: string;
  readonly oldCheckpoint: string;
}

/** Verifies a ledger from the bytes on the servers, as somebody would who was never there before. */
export async function verifyOnNats({
  servers,
  keyFile,
  verifierKey,
  oldCheckpoint,
}: LedgerOnNats): Promise<LedgerReport> {
  const engine = await natsEngine({ servers, keys: keyFile }).open({
    application: 'shop',
    group: 'main',
    clock: systemClock,
  });
  try {
    return await verifyStored(engine, { verifierKeys: [verifierKey], oldCheckpoint });
  } finally {
    await engine.close();
  }
}

/** The name of the stream that has the log. */
export const logStream = namesOf('slackwater', 'shop', 'main').streams.log;
