import { parseEntry } from '@slackwater/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { EngineError } from '../../../packages/middleware/src/engines/engine-error.ts';
import {
  controlWorkTypes,
  type WorkTypeControl,
  workTypesInProcess,
} from '../../../packages/middleware/src/joins/work-types.ts';
import type { Ledger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { gateVoice } from '../../../packages/middleware/src/options/gate-voice.ts';
import type { GateWorkTypes } from '../../../packages/middleware/src/options/gate-work-types.ts';
import { resolveOptions } from '../../../packages/middleware/src/options/resolve-options.ts';
import { type Bench, bytesOf, ledgerBench, type OpenedLedger, type Overrides } from '../ledger/ledgers.ts';
import { until } from '../perform/until.ts';

const changedKey = 'work-types/changed';

let bench: Bench;
const controls: WorkTypeControl[] = [];
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(async () => {
  for (const control of controls.splice(0)) control.close();
  await bench.end();
});

interface Host extends OpenedLedger {
  readonly workTypes: GateWorkTypes;
  readonly thresholds: () => readonly unknown[];
  readonly events: unknown[];
  readonly troubles: string[];
  follow(): void;
}

const asConfigured = {
  workTypes: {
    authorize: { priority: 1, exempt: true },
    settle: { priority: 2, thresholdMs: 200 },
    report: { priority: 3, thresholdMs: 80 },
  },
};

/** A host with a ledger of its own opening on the one directory. */
async function host(overrides?: Overrides, configured: object = asConfigured): Promise<Host> {
  const opened = await bench.open(overrides);
  return { ...opened, ...controlOf(async () => opened.ledger, configured, opened.ledger) };
}

function controlOf(
  open: (() => Promise<Ledger>) | undefined,
  configured: object = asConfigured,
  followed?: Ledger,
): Pick<Host, 'workTypes' | 'thresholds' | 'events' | 'troubles' | 'follow'> {
  const options = resolveOptions(configured);
  const present = [...options.workTypes];
  const events: unknown[] = [];
  const troubles: string[] = [];
  const voice = gateVoice();
  voice.on('work-type', (event) => events.push(event));
  voice.on('trouble', ({ doing }) => troubles.push(doing));
  const ranks = present.map(({ name, priority, exempt, thresholdMs }) => ({
    name,
    priority,
    exempt,
    thresholdMs,
  }));
  const control = controlWorkTypes(
    options,
    present,
    { ranks, admissions: { thresholdsChanged() {}, thresholdsOf: () => new Map() } },
    voice,
    open,
  );
  controls.push(control);
  return {
    workTypes: workTypesInProcess(control),
    thresholds: () => ranks.map(({ thresholdMs }) => thresholdMs),
    events,
    troubles,
    follow: () => followed && control.follow(followed),
  };
}

async function entriesOf({ engine }: Host): Promise<readonly ReturnType<typeof parseEntry>[]> {
  return (await engine.log.read(0, 100)).map((bytes) => parseEntry(bytes));
}

/** An engine whose log, or store, has another way with one call. */
function withLog(change: (log: OpenEngine['log']) => Partial<OpenEngine['log']>): Overrides {
  return {
    between: (engine) => {
      const { log } = engine;
      const own = { append: log.append.bind(log), read: log.read.bind(log), size: log.size.bind(log) };
      return Object.assign(Object.create(engine) as OpenEngine, { log: { ...own, ...change(log) } });
    },
  };
}

describe('a change of a work type while running', () => {
  it('is in the ledger, with who and what, before it takes effect', async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let appending = false;
    const own = await host(
      withLog((log) => ({
        async append(entries) {
          appending = true;
          await held;
          return log.append(entries);
        },
      })),
    );
    const changing = own.workTypes.change('settle', { thresholdMs: 150 }, { by: 'deploy' });
    await until(() => appending);
    expect(own.thresholds()).toEqual([undefined, 200, 80]);
    expect(own.workTypes.find('settle')).not.toHaveProperty('changed');
    release();
    const { recorded, workTypes } = await changing;
    expect({ recorded, workTypes }).toMatchObject({
      recorded: true,
      workTypes: [{ name: 'settle', thresholdMs: 150, changed: { by: 'code:deploy' } }],
    });
    expect(own.thresholds()).toEqual([undefined, 150, 80]);
    expect(await entriesOf(own)).toMatchObject([
      {
        type: 'work-type-changed',
        workType: 'settle',
        by: 'code:deploy',
        changes: { settle: { before: { thresholdMs: 200 }, after: { thresholdMs: 150 } } },
      },
    ]);
    expect(own.events).toMatchObject([
      { workType: 'settle', before: { thresholdMs: 200 }, after: { thresholdMs: 150 }, by: 'code:deploy' },
    ]);
    expect(bench.verifyBytes(own.ledger.verifierKey)).toMatchObject({ ok: true, size: 1 });
  });

  it('may have members that are more than one value', async () => {
    const candidates = { all: [{ metric: 'poolWaiters', over: 9 }] };
    const [a, b] = [await host(), await host()];
    await a.workTypes.change('settle', { candidates });
    expect(await entriesOf(a)).toMatchObject([
      { changes: { settle: { before: { candidates: null }, after: { candidates } } } },
    ]);
    b.follow();
    await until(() => b.events.length === 1);
    expect(b.workTypes.find('settle')).toEqual(a.workTypes.find('settle'));
    await b.workTypes.reset('settle');
    expect(b.workTypes.find('settle')).not.toHaveProperty('candidates');
  });

  it('is all there or not at all, however many members and work types it names', async () => {
    const own = await host();
    await own.workTypes.changeAll({
      settle: { thresholdMs: 20, repeatable: true },
      report: { thresholdMs: 10 },
    });
    expect(own.workTypes.find('settle')).toMatchObject({ thresholdMs: 20, repeatable: true });
    const half = { settle: { thresholdMs: 30 }, report: { thresholdMs: Number.NaN } };
    await expect(own.workTypes.changeAll(half)).rejects.toMatchObject({ code: 'option-invalid' });
    expect(own.thresholds()).toEqual([undefined, 20, 10]);
    expect(await entriesOf(own)).toHaveLength(1);
  });

  it.each([
    ['NaN', { thresholdMs: Number.NaN }, 'option-invalid'],
    ['a negative one', { thresholdMs: -0.001 }, 'option-invalid'],
    ['an enormous one', { thresholdMs: Number.MAX_VALUE }, 'option-invalid'],
    ['a string', { thresholdMs: '200' }, 'option-invalid'],
    ['what is no member', { treshold: 1 }, 'option-unknown'],
    [
      'a getter that throws',
      Object.defineProperty({}, 'thresholdMs', { enumerable: true, get: hostile }),
      'option-invalid',
    ],
    ['what needs others beside it', { whenOver: 'defer' }, 'option-missing'],
  ])('is refused with the reason where its threshold is %s', async (_what, members, code) => {
    const { workTypes, thresholds } = controlOf(undefined);
    await expect(workTypes.change('settle', members as object)).rejects.toMatchObject({ code });
    expect(thresholds()).toEqual([undefined, 200, 80]);
  });

  it('is refused where nobody is named by it', async () => {
    const { workTypes } = controlOf(undefined);
    await expect(workTypes.change('setle', { thresholdMs: 1 })).rejects.toThrow(/did you mean "settle"/);
    await expect(workTypes.change('settle', { thresholdMs: 1 }, { by: '' })).rejects.toThrow(/by: ""/);
  });

  it('may be of what makes requests candidates: figures, and whether any or all are needed', async () => {
    const { workTypes, events } = controlOf(undefined, {
      workTypes: {
        settle: {
          priority: 1,
          candidates: {
            any: [
              { metric: 'poolWaiters', over: 5 },
              { metric: 'rssBytes', over: 1e9 },
            ],
          },
        },
        report: { priority: 2 },
      },
    });
    const all = {
      all: [
        { metric: 'poolWaiters', over: 9 },
        { metric: 'rssBytes', over: 2e9 },
      ],
    };
    await workTypes.change('settle', { candidates: all });
    expect(workTypes.find('settle')).toMatchObject({ candidates: all, changed: { members: ['candidates'] } });
    expect(events).toMatchObject([{ before: { candidates: { any: [{}, {}] } }, after: { candidates: all } }]);
    expect(await workTypes.change('settle', { candidates: all })).toMatchObject({ recorded: false });
    await workTypes.change('report', { candidates: { any: [{ metric: 'rssBytes', over: 1 }] } });
    for (const candidates of [
      { any: [{ metric: 'heapShare', over: 0.5 }] },
      { any: [{ unavailable: true as const }] },
    ]) {
      await expect(workTypes.change('report', { candidates })).rejects.toThrow(
        /no work type named it when the gate/,
      );
    }
    const none = { any: [{ metric: 'nothing', over: 1 }] };
    await expect(workTypes.change('report', { candidates: none })).rejects.toThrow(/"nothing" is no metric/);
  });

  it('works without an engine, and says that it was not recorded', async () => {
    const { workTypes, thresholds, events } = controlOf(undefined);
    expect(await workTypes.change('settle', { thresholdMs: 150 })).toMatchObject({ recorded: false });
    expect(await workTypes.change('settle', { thresholdMs: 140 })).toMatchObject({ recorded: false });
    expect(thresholds()).toEqual([undefined, 140, 80]);
    await workTypes.reset('settle');
    expect(thresholds()).toEqual([undefined, 200, 80]);
    expect(events).toHaveLength(3);
  });

  it('that changes nothing is not recorded', async () => {
    const own = await host();
    expect(await own.workTypes.change('settle', { thresholdMs: 200 })).toMatchObject({ recorded: false });
    expect(await entriesOf(own)).toEqual([]);
  });

  it('is not made where the ledger is in trouble', async () => {
    let broken = true;
    const own = await host(
      withLog((log) => ({
        append: (entries) =>
          broken ? Promise.reject(new EngineError('engine-full', 'none', 'full')) : log.append(entries),
      })),
    );
    const change = own.workTypes.change('settle', { thresholdMs: 150 });
    await expect(change).rejects.toMatchObject({ code: 'engine-full', fate: 'none' });
    expect(own.thresholds()).toEqual([undefined, 200, 80]);
    broken = false;
    await own.workTypes.change('settle', { thresholdMs: 140 });
    expect(own.thresholds()).toEqual([undefined, 140, 80]);
  });

  it('whose fate is not known is made once it turns out to be in the log', async () => {
    const own = await host(
      withLog((log) => ({
        async append(entries) {
          await log.append(entries);
          throw new EngineError('engine-timeout', 'unknown', 'the answer was lost');
        },
      })),
    );
    const change = own.workTypes.change('settle', { thresholdMs: 150 });
    await expect(change).rejects.toMatchObject({ fate: 'unknown' });
    expect(own.thresholds()).toEqual([undefined, 200, 80]);
    await own.ledger.recover();
    own.follow();
    await until(() => own.thresholds()[1] === 150);
  });
});

describe('hosts that share a ledger', () => {
  it('all follow a change, and have it after a restart', async () => {
    const [a, b] = [await host(), await host()];
    b.follow();
    await a.workTypes.change('settle', { thresholdMs: 150 }, { by: 'ann' });
    await until(() => b.thresholds()[1] === 150);
    expect(b.workTypes.find('settle')).toEqual(a.workTypes.find('settle'));
    expect(b.events).toMatchObject([{ workType: 'settle', by: 'code:ann' }]);
    await a.close();
    await b.close();
    const later = await host();
    later.follow();
    await until(() => later.thresholds()[1] === 150);
    await later.workTypes.reset('settle', { by: 'bob' });
    expect(later.thresholds()).toEqual([undefined, 200, 80]);
    expect((await entriesOf(later)).at(-1)).toMatchObject({
      changes: { settle: { before: { thresholdMs: 150 }, after: { thresholdMs: 200 }, reset: true } },
    });
  });

  it('let one of several win that saw the same', async () => {
    const [a, b] = [await host(), await host()];
    const ifMatch = a.workTypes.find('settle')?.etag ?? '';
    expect(b.workTypes.find('settle')?.etag).toBe(ifMatch);
    const all = await Promise.allSettled(
      [a, b, a, b].map(({ workTypes }, i) =>
        workTypes.change('settle', { thresholdMs: 10 + i }, { ifMatch, by: `host ${i}` }),
      ),
    );
    const lost = all.filter(({ status }) => status === 'rejected');
    expect(lost).toHaveLength(3);
    expect(lost).toMatchObject(lost.map(() => ({ reason: { code: 'precondition-failed' } })));
    expect(await entriesOf(a)).toHaveLength(1);
  });

  it('lose none of many changes at once', async () => {
    const [a, b] = [await host(), await host()];
    await Promise.all([
      a.workTypes.change('settle', { thresholdMs: 100 }),
      b.workTypes.change('report', { thresholdMs: 50 }),
      a.workTypes.change('report', { repeatable: true }),
      b.workTypes.change('settle', { repeatable: true }),
    ]);
    const later = await host();
    later.follow();
    await until(() => later.events.length === 2);
    for (const [name, thresholdMs] of [
      ['settle', 100],
      ['report', 50],
    ] as const) {
      expect(later.workTypes.find(name)).toMatchObject({ thresholdMs, repeatable: true });
    }
  });

  it('have a change that the store could not be told of, after a crash', async () => {
    const own = await host({
      between: (engine) => {
        const { store } = engine;
        const refused = async (): Promise<never> => {
          throw new EngineError('engine-unavailable', 'none', 'gone');
        };
        const write =
          (name: 'create' | 'update') =>
          (key: string, ...rest: never[]) =>
            key === changedKey ? refused() : (store[name] as (...args: unknown[]) => unknown)(key, ...rest);
        const own = { create: write('create'), update: write('update') };
        return Object.assign(Object.create(engine) as OpenEngine, {
          store: Object.assign(Object.create(store) as object, own),
        });
      },
    });
    expect(await own.workTypes.change('settle', { thresholdMs: 150 })).toMatchObject({ recorded: true });
    expect(own.thresholds()).toEqual([undefined, 150, 80]);
    await own.abandon();
    const later = await host();
    await later.ledger.recover();
    later.follow();
    await until(() => later.thresholds()[1] === 150);
  });

  it('find the changes again in the log where the store lost them', async () => {
    const before = await host();
    await before.workTypes.change('settle', { thresholdMs: 150 });
    await before.workTypes.change('report', { thresholdMs: 15 });
    await before.close();
    bench.database((db) => {
      expect(
        bytesOf(db.prepare('SELECT value FROM store_1 WHERE key = ?').get(changedKey)?.['value']),
      ).toBeDefined();
      db.prepare('DELETE FROM store_1 WHERE key = ?').run(changedKey);
    });
    const later = await host();
    await later.ledger.recover();
    later.follow();
    await until(() => later.thresholds()[1] === 150 && later.thresholds()[2] === 15);
  });

  it('leave out what does not go with how one of them is configured, and tell of it', async () => {
    const own = await host();
    await own.workTypes.change('settle', { thresholdMs: 150 });
    const other = await host(undefined, { workTypes: { settle: { priority: 1, exempt: true } } });
    other.follow();
    await until(() => other.troubles.length > 0);
    expect(other.troubles[0]).toMatch(/of the work type settle: it stays as configured/);
    expect(other.workTypes.find('settle')).toMatchObject({ exempt: true });
    expect(other.thresholds()).toEqual([undefined]);
  });
});

function hostile(): never {
  throw new Error('hunter2');
}
