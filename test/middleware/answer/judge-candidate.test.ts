import type { ReasonCode } from '@slackwater/shared';
import type { Request } from 'express';
import { describe, expect, it } from 'vitest';
import type { GateParts } from '../../../packages/middleware/src/answer/gate-parts.ts';
import { byCandidates } from '../../../packages/middleware/src/answer/judge-candidate.ts';
import type { RequestFacts } from '../../../packages/middleware/src/answer/request-facts.ts';
import { judgeCandidate } from '../../../packages/middleware/src/decide/candidates/judge.ts';
import type { CandidatePolicy } from '../../../packages/middleware/src/options/candidates.ts';

/** What becomes of a request on a partition that would let others through, and not its requester. */
function refusedForItsRequester(policy: CandidatePolicy): readonly unknown[] {
  const admissions: Pick<GateParts['admissions'], 'wouldPerform' | 'ask' | 'thresholdOf'> = {
    wouldPerform: () => true,
    ask: () => ({ perform: false, reason: 'recovering', partition: 'shop' }),
    thresholdOf: () => 250,
  };
  const candidates: Pick<GateParts['candidates'], 'measure' | 'judge'> = {
    measure: () => ({ because: {}, leftOut: [] }),
    judge: judgeCandidate,
  };
  const options = { requesterClass: () => 'free' };
  const parts = { admissions, candidates, options, recorders: {} } as unknown as GateParts;
  const done: unknown[] = [];
  const { judge } = byCandidates(parts, {
    perform: () => done.push('performed'),
    postpone: (_, partition, { reasons }, how) => done.push([partition, reasons, how]),
    failed: (_, error) => done.push(error),
  });
  const facts = { workType: { whenOver: 'defer' }, rank: 0, partitions: ['shop'] } as unknown as RequestFacts;
  judge({ req: { headers: {} } as Request, facts }, policy);
  return done;
}

describe('a request that is postponed for who asks, where others would go', () => {
  const recovering: ReasonCode = 'recovering';

  it('is a candidate where commit latency makes candidates', () => {
    const policy: CandidatePolicy = {
      mode: 'any',
      criteria: [{ metric: 'commitLatencyMs' }],
      neverDeferFor: ['gold'],
    };
    expect(refusedForItsRequester(policy)).toEqual([['shop', [recovering], undefined]]);
  });

  it('is none where something else does, or where its class is never deferred', () => {
    const others: CandidatePolicy = { mode: 'any', criteria: [{ unavailable: true }], neverDeferFor: [] };
    expect(refusedForItsRequester(others)).toEqual([['shop', [recovering], 'never-defer']]);
    const never: CandidatePolicy = {
      mode: 'any',
      criteria: [{ metric: 'commitLatencyMs' }],
      neverDeferFor: ['free'],
    };
    expect(refusedForItsRequester(never)).toEqual([
      ['shop', [recovering, 'never-defer-class'], 'never-defer'],
    ]);
  });
});
