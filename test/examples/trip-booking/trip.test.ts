import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OperationStatus } from '@slackwater/middleware';
import type { DeferralResource } from '@slackwater/shared';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Agency, openAgency } from '../../../examples/trip-booking/src/agency/agency.ts';
import { tripAt } from '../../../examples/trip-booking/src/agency/trip.ts';
import type { Bar, Timeline } from '../../../examples/trip-booking/src/timeline/timeline.ts';
import type { Mood } from '../../../examples/trip-booking/src/world/mood.ts';
import {
  openWorld,
  type ServiceName,
  serviceNames,
  type World,
} from '../../../examples/trip-booking/src/world/world.ts';
import { makeDemoFolder, startDemo } from '../demo-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'slackwater-trips-test-'));
let world: World;
let agency: Agency;

beforeAll(async () => {
  world = await openWorld(() => 0);
  agency = await openAgency({
    addresses: world.addresses,
    directory: join(folder, 'ledger'),
    leaseMs: 30_000,
    timeoutMs: 400,
  });
  await agency.gate.start();
});

afterAll(async () => {
  await agency.close();
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

/** How much is taken of each service. */
let before: readonly number[] = [];
const takenNow = (): readonly number[] => serviceNames.map((name) => world.services[name].taken.size);

beforeEach(() => {
  before = takenNow();
});

async function has(name: ServiceName, mood: Mood): Promise<void> {
  await request(world.addresses[name]).put('/mood').send(mood).expect(204);
}

function ask(headers: Readonly<Record<string, string>> = {}): request.Test {
  return request(agency.app)
    .post('/trips')
    .set({ 'X-Traveller': 'ann', ...headers })
    .send({ card: 'card of ann', cents: 40_000 });
}

async function book(): Promise<OperationStatus> {
  const { body } = await ask({ Prefer: 'wait=0' }).expect(202);
  return agency.gate.operations.settled((body as DeferralResource).operation?.id ?? '');
}

async function barsOf(id: string): Promise<Readonly<Record<string, readonly Bar[]>>> {
  const { body } = await request(agency.app).get(`/trips/${id}/timeline`).expect(200);
  return Object.fromEntries((body as Timeline).rows.map(({ task, bars }) => [task, bars]));
}

/** What is taken beyond what was, and what is wrong with the world. */
function sinceThen(): { readonly more: readonly number[]; readonly faults: readonly string[] } {
  return { more: takenNow().map((size, at) => size - (before[at] ?? 0)), faults: world.faults() };
}

const nothing = { more: [0, 0, 0, 0, 0], faults: [] };
const oneTrip = { more: [1, 1, 1, 1, 1], faults: [] };

describe('a trip', () => {
  it('has flight and payment first, then hotel and car, then the excursion, of what each takes and gives (T-12)', () => {
    const { stages } = tripAt(world.addresses, 1_000);
    expect(stages.map(({ tasks }) => tasks)).toEqual([
      ['airline', 'payment'],
      ['hotel', 'car'],
      ['excursion'],
    ]);
  });

  it('is booked once at everybody where all goes well, however often it is asked for under one key', async () => {
    const key = { 'Idempotency-Key': '"the summer"' };
    const { body } = await ask(key).expect(201);
    expect(body).toMatchObject({ seat: 1, room: 1, key: 1, place: 1 });
    expect((await ask(key).expect(201)).body).toEqual(body);
    expect(sinceThen()).toEqual(oneTrip);
  });

  it('whose hotel fails has its car reversed, then its flight and the charge on the card (T-35)', async () => {
    await has('hotel', { is: 'refuses', of: 'take', times: 2 });
    const { id, status, failure } = await book();
    expect({ status, failure }).toEqual({ status: 'undone', failure: { stage: 1, failed: ['hotel'] } });
    const { airline, payment, car, excursion } = await barsOf(id);
    const back = (bars: readonly Bar[] = []): Bar | undefined => bars.find(({ way }) => way === 'back');
    for (const bars of [airline, payment]) {
      expect(back(bars)).toMatchObject({ ended: 'well' });
      expect(back(bars)?.from).toBeGreaterThanOrEqual(back(car)?.to ?? Number.POSITIVE_INFINITY);
    }
    expect(excursion).toEqual([]);
    const { effects } = world.services.car;
    expect(effects.get(`${id}/car`)).toEqual({ taken: 1, givenBack: 1 });
    expect(world.services.bank.effects.get(`${id}/payment`)).toEqual({ taken: 1, givenBack: 1 });
    expect(sinceThen()).toEqual(nothing);
  });

  it.each(serviceNames)('loses neither money nor seats, whatever the %s does', async (name) => {
    await has(name, { is: 'forgets', of: 'take', times: 1 });
    expect(await book()).toMatchObject({ status: 'succeeded' });
    expect(sinceThen()).toEqual(oneTrip);
    before = takenNow();
    // It was done, both times it was asked, and nobody heard so.
    await has(name, { is: 'forgets', of: 'take', times: 2 });
    expect(await book()).toMatchObject({ status: 'undone' });
    expect(sinceThen()).toEqual(nothing);
  });

  it('is undone as well where a service never answers, or does not take back at first what it gave', async () => {
    await has('excursion', { is: 'hangs', of: 'take', times: 2 });
    await has('bank', { is: 'refuses', of: 'give-back', times: 1 });
    const { id, status } = await book();
    expect(status).toBe('undone');
    const { excursion, payment } = await barsOf(id);
    expect(excursion?.map(({ way, ended }) => `${way} ${ended}`)).toEqual([
      'forward badly',
      'forward badly',
      'back well',
    ]);
    expect(payment?.map(({ way, ended }) => `${way} ${ended}`)).toEqual([
      'forward well',
      'back badly',
      'back well',
    ]);
    expect(sinceThen()).toEqual(nothing);
  });

  it('of an agency that is killed in the middle of undoing it is undone by the next', async () => {
    const demo = makeDemoFolder();
    const program = new URL('../../../examples/trip-booking/src/start.ts', import.meta.url).pathname;
    const { ended, output, complaints } = startDemo(program, demo, ['--short']);
    expect(await ended, complaints()).toBe(0);
    expect(complaints()).toBe('');
    expect(output().trimEnd().split('\n').at(-1)).toBe(
      '{"trips":3,"booked":1,"undone":2,"conserved":true,"ledgerVerified":true}',
    );
    expect(output()).toMatch(/ car +━+ .*┄+◁* .*done, given back/);
    expect(readdirSync(demo)).toEqual([]);
    rmSync(demo, { recursive: true });
  });
});
