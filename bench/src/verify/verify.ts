import type { Benchmark } from '../benchmark.ts';
import { startChild } from '../child.ts';
import { medianOf, ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import type { VerifyProcess } from './verify-process.ts';

const script = new URL('verify-process.ts', import.meta.url);

/** How quickly a whole ledger is verified from its file: everything that `slackwater verify` does but payloads. */
export const verifying: Benchmark = {
  name: 'verify',
  title: 'verifying a whole ledger from its file / reading and hashing it',
  async measure({ quick, progress }) {
    const entries = quick ? 60_000 : 1_000_000;
    const shown = entries.toLocaleString('en');
    // All of its threads on one core: the figure is of one, and beside each other on two they slow each other down.
    const child = startChild<VerifyProcess>(script, null, 1);
    try {
      progress(`making a ledger of ${shown} entries`);
      const length = await child.ask('build', entries);
      const seconds: number[] = [];
      const taken = await inTurn(
        {
          verify: async () => {
            const { perCpuSecond, perSecond } = await child.ask('verify');
            seconds.push(perSecond);
            return perCpuSecond;
          },
          hash: () => child.ask('hashAlone'),
        },
        6,
        (round) => progress(`verifying ${shown} entries, round ${round + 1} of 6`),
      );
      const about = `${shown} entries of ${Math.round(length)} bytes in blocks of 256`;
      return [
        {
          what: 'entries verified for each second of one core',
          unit: 'per second',
          value: spreadOf(taken.verify),
          target: { atLeast: 100_000 },
          note: `${about}; ${Math.round(medianOf(seconds)).toLocaleString('en')} a second as the clock goes`,
        },
        {
          what: 'verifying / reading the same and hashing each leaf and a node',
          unit: 'ratio',
          value: spreadOf(ratios(taken.verify, taken.hash)),
          note: `${Math.round(medianOf(taken.hash)).toLocaleString('en')} a second`,
        },
        {
          what: 'the most memory of the process',
          unit: 'bytes',
          value: spreadOf(Array.from({ length: 6 }, () => 0).fill(await child.ask('memory'))),
          note: 'SQLite and everything else in it',
        },
      ];
    } finally {
      await child.end();
    }
  },
};
