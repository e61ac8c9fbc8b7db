import { setTimeout as sleep } from 'node:timers/promises';
import { type Callers, startCallers } from '@slackwater/example-shop/demo/callers';
import { type Account, countRows } from '@slackwater/example-shop/demo/count';
import { Journal } from '@slackwater/example-shop/demo/journal';
import { type Verified, verifyProofs } from '@slackwater/example-shop/demo/proofs';
import { show } from '@slackwater/example-shop/demo/show';
import type { Phase } from '@slackwater/example-shop/demo/story';
import { listen } from '@slackwater/example-shop/listen';
import { agreedHeads, headOf, isOne } from './heads.ts';
import type { HostProcess } from './host-process.ts';
import { openStage, type Stage } from './stage.ts';
import { type Story, tellStory } from './story.ts';

/** How slow commits become: each takes so long, so many at a time. */
const slow = { ms: 250, parallelism: 4 } as const;
/** All that is still waiting then is given up, so that the demo ends. */
const patienceMs = 25_000;
const victim = 'host-2';
const everyHost = 3;

function phasesOf(short: boolean) {
  const factor = short ? 0.3 : 1;
  return {
    healthy: { name: 'healthy', headline: 'The database is quick', lengthMs: 5_000 * factor },
    slow: { name: 'slow', headline: `Every commit takes ${slow.ms} ms more`, lengthMs: 7_000 * factor },
    host: { name: 'a host dies', headline: `kill -9 of ${victim}`, lengthMs: 6_000 * factor },
    server: {
      name: 'a server dies',
      headline: 'kill -9 of the NATS server that leads the log',
      lengthMs: 10_000 * factor,
    },
    healed: { name: 'healed', headline: 'All are back, and the database is quick', lengthMs: 8_000 * factor },
  } as const satisfies Record<string, Phase>;
}

type Phases = ReturnType<typeof phasesOf>;

/** Plays the demo; gives the exit code. Rejects with the signal's reason where it is ended early. */
export async function runDemo(short: boolean, signal: AbortSignal): Promise<number> {
  const phases = phasesOf(short);
  const journal = new Journal();
  const story = tellStory(Object.values(phases), journal);
  const hide = show(story);
  try {
    story.tell('PostgreSQL, three NATS servers and three hosts are started');
    const stage = await openStage((host, { text, tone }) => story.tell(`${host} ${text}`, tone));
    try {
      return await play(stage, story, journal, phases, signal, hide);
    } finally {
      await stage.close();
    }
  } finally {
    hide();
  }
}

async function play(
  stage: Stage,
  story: Story,
  journal: Journal,
  phases: Phases,
  signal: AbortSignal,
  hide: () => void,
): Promise<number> {
  signal.throwIfAborted();
  story.watch(stage);
  const { hosts, connectionString } = stage;
  const verifierKey = hosts[0]?.verifierKey ?? '';
  const listening = await listen(stage.balancer, 0);
  const givenUp = new AbortController();
  try {
    const endCalls = AbortSignal.any([signal, givenUp.signal]);
    const callers = startCallers({ address: listening.address, verifierKey }, journal, endCalls);
    const kept = await passPhases(stage, story, phases, signal).finally(() => callers.stop());
    await settle(callers, givenUp, signal);
    story.tell('Every host verifies the ledger from its stored bytes');
    const heads = await agreedHeads(hosts);
    const audit = { verify: (checkpoint = kept) => verifyOnAll(hosts, checkpoint) };
    const verified = await verifyProofs(audit, { checkpoint: kept, verifierKey }, journal.entries);
    hide();
    return conclude(journal, await countRows(connectionString, journal.entries), verified, {
      hosts: heads.filter((head) => head !== undefined).length,
      sameRoot: isOne(heads),
    });
  } finally {
    hide();
    givenUp.abort();
    await listening.close();
  }
}

/** Gives the ledger's head as it was in the middle of the trouble. */
async function passPhases(
  { commits, hosts, servers, nats }: Stage,
  story: Story,
  phases: Phases,
  signal: AbortSignal,
): Promise<string> {
  const pass = async (phase: Phase): Promise<void> => {
    story.begin(phase);
    await sleep(phase.lengthMs, undefined, { signal });
  };
  const dying = hosts.find(({ name }) => name === victim);
  await pass(phases.healthy);
  await commits.set(slow.ms, slow.parallelism);
  await pass(phases.slow);
  const kept = await firstHead(hosts);
  await dying?.kill();
  await pass(phases.host);
  const leader = servers.leader ?? nats[0]?.name ?? '';
  await servers.kill(leader);
  await pass(phases.server);
  await commits.set(0);
  story.tell(`${victim} and ${leader} are started again`);
  await Promise.all([dying?.start(), servers.start(leader)]);
  await pass(phases.healed);
  return kept;
}

async function firstHead(hosts: readonly HostProcess[]): Promise<string> {
  for (const host of hosts) {
    const head = await headOf(host);
    if (head !== undefined) return head.checkpoint;
  }
  throw new Error('No host gives a checkpoint.');
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

/** The first report that is not good, else the last. */
async function verifyOnAll(
  hosts: readonly HostProcess[],
  checkpoint: string,
): ReturnType<HostProcess['verify']> {
  const reports = await Promise.all(hosts.map((host) => host.verify(checkpoint)));
  const report = reports.find(({ ok }) => !ok) ?? reports.at(-1);
  if (report === undefined) throw new Error('There is no host to verify the ledger.');
  return report;
}

function conclude(
  journal: Journal,
  account: Account,
  verified: Verified,
  agreement: { readonly hosts: number; readonly sameRoot: boolean },
): number {
  const { stdout } = process;
  const { succeeded, performed, retriedLater, deferred, lost, duplicated } = account;
  const { hosts, sameRoot } = agreement;
  const cutOff = journal.entries.filter(({ failure }) => failure !== undefined).length;
  stdout.write(
    `${succeeded} requests are in the database: ${performed} were performed when they came, ${retriedLater} were asked to come back, ${deferred} were deferred. ${lost} lost, ${duplicated} done twice.\n`,
  );
  stdout.write(`${cutOff} callers lost their answer with ${victim}, which had promised them nothing yet.\n`);
  stdout.write(`${verified.says} ${hosts} hosts, ${sameRoot ? 'one root' : 'their roots DIFFER'}.\n`);
  stdout.write(`${JSON.stringify({ ...account, ledgerVerified: verified.ok, hosts, sameRoot })}\n`);
  const isWell = verified.ok && lost === 0 && duplicated === 0 && hosts === everyHost && sameRoot;
  return isWell ? 0 : 1;
}
