import { setTimeout as sleep } from 'node:timers/promises';
import type { SlowCommits } from '@slackwater/test-support/slow-commits';
import type { Random } from './random.ts';

const slowMs = 130;
const spellMs = { least: 300, most: 1_000 } as const;

/**
 * Slow and quick spells of a database in turn, whatever its applications do. `clearUp` ends with a quick one.
 *
 * @param quickness how long quick spells are beside slow ones
 */
export function changeWeather(
  commits: SlowCommits,
  random: Random,
  quickness = 0.5,
): { clearUp(): Promise<void> } {
  let ending = false;
  const change = async (): Promise<void> => {
    while (!ending) {
      await commits.set(slowMs);
      await sleep(random.between(spellMs.least, spellMs.most));
      await commits.set(0);
      await sleep(random.between(spellMs.least, spellMs.most) * quickness);
    }
  };
  const changing = change();
  return {
    async clearUp() {
      ending = true;
      await changing;
      await commits.set(0);
    },
  };
}
