import { manualClock } from '@slackwater/test-support/manual-clock';
import { expect, it } from 'vitest';
import { type StartOnce, startOnce } from '../../../packages/middleware/src/perform/start-once.ts';

it('is tried again once a second while it fails, however many requests come meanwhile', async () => {
  const clock = manualClock();
  let begun = 0;
  let told = 0;
  const begin = async (): Promise<void> => {
    begun += 1;
    throw new Error('not now');
  };
  const starter = startOnce(clock, begin, { when: () => true, goOn: () => expect.unreachable() }, () => {
    told += 1;
  });
  for (let second = 1; second <= 3; second++) {
    for (let request = 0; request < 10; request++) {
      starter.startByItself();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect([begun, told]).toEqual([second, second]);
    clock.advance(1_000);
  }
});

it('goes on when it may, once, and not after it was stopped', async () => {
  const clock = manualClock();
  let mayGoOn = false;
  let gone = 0;
  const after = {
    when: () => mayGoOn,
    goOn: () => {
      gone += 1;
    },
  };
  const make = (): StartOnce =>
    startOnce(
      clock,
      async () => {},
      after,
      () => expect.unreachable(),
    );
  const starter = make();
  const stopped = make();
  await starter.start();
  await stopped.start();
  expect(gone).toBe(0);
  stopped.stop();
  mayGoOn = true;
  starter.startByItself();
  starter.startByItself();
  stopped.startByItself();
  await starter.start();
  expect(gone).toBe(1);
});
