import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from '../listen.ts';
import { partition, workTypes } from '../shop.ts';
import { type Callers, startCallers } from './callers.ts';
import { countRows } from './count.ts';
import { Journal } from './journal.ts';
import { verifyProofs } from './proofs.ts';
import { show } from './show.ts';
import { openStage, type Stage } from './stage.ts';
import { type Phase, type Story, tellStory } from './story.ts';

/** How slow commits become: each takes so long, so many at a time. */
const slow = { ms: 250, parallelism: 4 } as const;
/** All that is still waiting then is given up, so that the demo ends. */
const patienceMs = 20_000;

function phasesOf(short: boolean): readonly [Phase, Phase, Phase] {
  const factor = short ? 0.4 : 1;
  return [
    { name: 'healthy', headline: 'The database is quick', lengthMs: 6_000 * factor },
    { name: 'slow', headline: `Every commit takes ${slow.ms} ms more`, lengthMs: 14_000 * factor },
    { name: 'healed', headline: 'The database is quick again', lengthMs: 8_000 * factor },
  ];
}

/** Plays the demo; gives the exit code. Rejects with the signal's reason where it is ended early. */
export async function runDemo(short: boolean, signal: AbortSignal): Promise<number> {
  const stage = await openStage();
  try {
    return await play(stage, short, signal);
  } finally {
    await stage.close();
  }
}

async function play(stage: Stage, short: boolean, signal: AbortSignal): Promise<number> {
  const { shop, connectionString } = stage;
  await shop.gate.start();
  const verifierKey = await shop.gate.ledger.verifierKey();
  const listening = await listen(shop.app, 0);
  const journal = new Journal();
  const phases = phasesOf(short);
  const story = tellStory(shop.gate, workTypes, [partition], phases, journal);
  const hide = show(story);
  const givenUp = new AbortController();
  try {
    const endCalls = AbortSignal.any([signal, givenUp.signal]);
    const callers = startCallers({ address: listening.address, verifierKey }, journal, endCalls);
    const kept = await passPhases(stage, story, phases, signal).finally(() => callers.stop());
    await settle(callers, givenUp, signal);
    signal.throwIfAborted();
    const verified = await verifyProofs(shop.gate.audit, { checkpoint: kept, verifierKey }, journal.entries);
    hide();
    return conclude(verified, await countRows(connectionString, journal.entries));
  } finally {
    hide();
    givenUp.abort();
    await listening.close();
  }
}

/** Gives the ledger's head as it was in the middle of the trouble. */
async function passPhases(
  { commits, shop }: Stage,
  story: Story,
  [healthy, slowness, healed]: readonly [Phase, Phase, Phase],
  signal: AbortSignal,
): Promise<string> {
  story.begin(healthy);
  await sleep(healthy.lengthMs, undefined, { signal });
  await commits.set(slow.ms, slow.parallelism);
  story.begin(slowness);
  await sleep(slowness.lengthMs / 2, undefined, { signal });
  const kept = await shop.gate.ledger.checkpoint();
  await sleep(slowness.lengthMs / 2, undefined, { signal });
  await commits.set(0);
  story.begin(healed);
  await sleep(healed.lengthMs, undefined, { signal });
  return kept;
}

/** Waits until every caller has its answer, but not for ever. */
async function settle(callers: Callers, givenUp: AbortController, signal: AbortSignal): Promise<void> {
  const patience = setTimeout(() => givenUp.abort(), patienceMs);
  try {
    await callers.settled();
  } finally {
    clearTimeout(patience);
  }
  signal.throwIfAborted();
}

function conclude(
  verified: Awaited<ReturnType<typeof verifyProofs>>,
  account: Awaited<ReturnType<typeof countRows>>,
): number {
  const { stdout } = process;
  const { succeeded, performed, retriedLater, deferred, lost, duplicated } = account;
  stdout.write(
    `${succeeded} requests are in the database: ${performed} were performed when they came, ${retriedLater} were asked to come back, ${deferred} were deferred. ${lost} lost, ${duplicated} done twice.\n`,
  );
  stdout.write(`${verified.says}\n`);
  stdout.write(`${JSON.stringify({ ...account, ledgerVerified: verified.ok })}\n`);
  return verified.ok && account.lost === 0 && account.duplicated === 0 ? 0 : 1;
}
