import { manualClock } from '@slackwater/test-support/manual-clock';
import { describe, expect, it } from 'vitest';
import { showProgress } from '../../../packages/middleware/src/cli/progress.ts';

function shown(stream: { isTTY?: boolean; columns?: number }) {
  const written: string[] = [];
  const clock = manualClock();
  const progress = showProgress({ ...stream, write: (text) => written.push(text) }, clock);
  return { written, clock, progress };
}

describe('progress', () => {
  it('is a plain line now and then where nobody watches, and the last of each thing', () => {
    const { written, clock, progress } = shown({});
    for (let done = 0; done <= 10; done += 1) {
      progress.report('entries copied', done * 1_000, 10_000);
      clock.advance(1_000);
    }
    progress.report('values copied', 7);
    progress.report('values copied', 8);
    progress.report('verifying');
    progress.end();
    progress.end();
    expect(written).toEqual([
      'entries copied: 0 of 10,000 (0 %)\n',
      'entries copied: 5,000 of 10,000 (50 %)\n',
      'entries copied: 10,000 of 10,000 (100 %)\n',
      'values copied: 7\n',
      'values copied: 8\n',
      'verifying\n',
    ]);
  });

  it('is one line for each thing on a terminal, written again and never broken', () => {
    const { written, clock, progress } = shown({ isTTY: true, columns: 25 });
    progress.report('entries copied', 1, 3);
    progress.report('entries copied', 2, 3);
    clock.advance(100);
    progress.report('entries copied', 3, 3);
    progress.report('values', 1);
    progress.end();
    expect(written).toEqual([
      '\r\x1b[2Kentries copied: 1 of 3 (',
      '\r\x1b[2Kentries copied: 3 of 3 (',
      '\n',
      '\r\x1b[2Kvalues: 1',
      '\n',
    ]);
  });

  it('of nothing is all of it', () => {
    const { written, progress } = shown({});
    progress.report('entries copied', 0, 0);
    progress.end();
    expect(written).toEqual(['entries copied: 0 of 0 (100 %)\n']);
  });
});
