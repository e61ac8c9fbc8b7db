import { AsyncLocalStorage } from 'node:async_hooks';
import { slackwater } from '@slackwater/middleware';
import { routeTable } from '../../../packages/middleware/dist/decide/route-table.js';
import {
  type Commit,
  commitFinished,
  commitStarted,
} from '../../../packages/middleware/dist/drivers/driver.js';
import { decisionAlone } from '../decision/decision-alone.ts';
import { plainRequest, plainResponse } from '../plain-request.ts';
import { scratchFolder } from '../scratch.ts';
import { partition, usualOptions } from '../work-types.ts';
import type { Step } from './steps-process.ts';

/** What is done for each request that is let through, and for each commit. */
export async function requestSteps(): Promise<Record<string, Step>> {
  const find = routeTable([
    { method: 'POST', pattern: '/payments/:id/settle' },
    { method: 'POST', pattern: '/orders/:id/notes' },
    { method: 'POST', pattern: '/orders' },
  ]);
  const { decide } = await decisionAlone(usualOptions(scratchFolder()), [partition]);
  const gates = {
    'with options': slackwater(usualOptions(scratchFolder())),
    'without options': slackwater(),
  };
  for (const { latency } of Object.values(gates)) {
    for (let n = 0; n < 64; n++) await latency.commit(partition, async () => {});
  }
  const storage = new AsyncLocalStorage<object>();
  const next = (): void => {};
  const whole = (gate: (typeof gates)['with options']): Step => {
    return () => gate(plainRequest(), plainResponse(), next);
  };
  return {
    'request: its rule, of three, without parameters': () => find('POST', textOf('/orders')),
    'request: its rule, with a parameter': () => find('POST', textOf('/orders/1/notes')),
    'request: what it is, and whether it may go on': () => decide(plainRequest()),
    'request: its context carried (AsyncLocalStorage.run)': () => storage.run({}, next),
    'request: the bare request and response of this benchmark': () => [plainRequest(), plainResponse()],
    'request: these and the whole gate, with options': whole(gates['with options']),
    'request: these and the whole gate, without options': whole(gates['without options']),
    'commit: measured by two gates': measuredCommit,
  };
}

/** A text of its own, as one that was read from a connection. */
function textOf(path: string): string {
  return Buffer.from(path, 'latin1').toString('latin1');
}

function measuredCommit(): void {
  const startedAt = performance.now();
  const commit: Commit = {
    ...{ partition, kind: 'explicit', startedAt },
    ...{ context: undefined, durationMs: 0, outcome: undefined },
  };
  commitStarted.publish(commit);
  commit.durationMs = performance.now() - startedAt;
  commit.outcome = 'committed';
  commitFinished.publish(commit);
}
