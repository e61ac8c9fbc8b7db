import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { slackwaterSays } from './command-line.ts';

const file = fileURLToPath(new URL('./trips.ts', import.meta.url));

describe('slackwater plan', () => {
  it('shows the stages of what a module exports, in lines', async () => {
    expect(await slackwaterSays('plan', file)).toEqual({
      code: 0,
      err: '',
      out: `trip 2: 3 tasks in 3 stages

stage 1
  airline       takes traveller                    gives flight

stage 2
  hotel         takes flight, code (from outside)  gives room
  then checked: total

stage 3
  say "thanks"  takes nothing                      gives nothing; after hotel; no rollback
`,
    });
  });

  it('shows them as a flow chart', async () => {
    const { out } = await slackwaterSays('plan', file, '--format', 'mermaid', '--name', 'trip');
    expect(out).toBe(`flowchart LR
  g0(["traveller"])
  g1(["code"])
  subgraph s0["stage 1"]
    t0["airline"]
  end
  subgraph s1["stage 2, then checks total"]
    t1["hotel"]
  end
  subgraph s2["stage 3"]
    t2["say #34;thanks#34;"]
  end
  g0 --> t0
  t0 -- "flight" --> t1
  g1 --> t1
  t1 -.-> t2
`);
  });

  it('shows them as data', async () => {
    const { out } = await slackwaterSays('plan', file, '--format', 'json');
    const { name, stages, tasks } = JSON.parse(out);
    expect([name, stages.length, tasks[1]]).toEqual([
      'trip',
      3,
      {
        id: 'hotel',
        inputs: [
          { label: 'flight', from: 'task' },
          { label: 'code', from: 'outside' },
        ],
        outputs: ['room'],
        after: [],
        dependsOn: ['airline'],
        hasRollback: true,
      },
    ]);
  });

  it.each([
    [['plan'], 2, 'FILE is missing: give it first (slackwater plan --help)'],
    [['plan', file, '--format', 'svg'], 2, '--format is "svg"; give one of: text, mermaid, json'],
    [['plan', file, '--name', 'tour'], 1, 'exports no operation "tour"; it has: trip'],
    [['plan', `${file}x`], 1, "trips.tsx can't be loaded: "],
    [
      ['plan', fileURLToPath(import.meta.resolve('./command-line.ts'))],
      1,
      'exports no operation; export what',
    ],
  ])('refuses %j with %d and the reason', async (args, expected, reason) => {
    const { code, err, out } = await slackwaterSays(...args);
    expect([code, out]).toEqual([expected, '']);
    expect(err).toContain(reason);
  });
});
