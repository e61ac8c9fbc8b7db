import { expect, it } from 'vitest';
import { seededRandom } from '../random.ts';
import { chaos } from './chaos.ts';
import { misfortunes } from './misfortunes.ts';
import { wrongWith } from './run-chaos.ts';

it('two hosts on one ledger lose, duplicate and reorder nothing, whatever happens to them, the database and the network between', async () => {
  const random = seededRandom();
  const seeded = `SLACKWATER_CRASH_SEED=${random.seed}`;
  const report = await chaos({ hosts: 2, forMs: 0, atLeast: 1, answersBetween: 4, random });
  expect(wrongWith(report), seeded).toEqual([]);
  // All of it happened, to hosts that were at work.
  expect([...report.happened.keys()].toSorted(), seeded).toEqual(Object.keys(misfortunes).toSorted());
  expect(report.accepted, seeded).toBeGreaterThan(0);
  expect(report.replayed, seeded).toBeGreaterThan(0);
  expect(report.answersLost, seeded).toBeGreaterThan(0);
}, 400_000);
