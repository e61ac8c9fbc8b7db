import { describe, expect, it } from 'vitest';
import { afterRun } from '../../../../packages/middleware/src/perform/batches/after-run.ts';
import { firstState } from '../../../../packages/middleware/src/perform/batches/batch-state.ts';
import { planBatch } from '../../../../packages/middleware/src/perform/batches/plan-batch.ts';
import {
  type BatchSchedule,
  readSchedule,
} from '../../../../packages/middleware/src/perform/batches/schedule.ts';
import { batchBench, items, quiet } from './batch-bench.ts';

/** The times that a schedule is due after a time, as they stand in UTC. */
function dueTimes(schedule: BatchSchedule, timeZone: string, from: string, count: number): readonly string[] {
  const read = readSchedule(schedule, timeZone);
  const times: string[] = [];
  let after: number | undefined = Date.parse(from);
  while (times.length < count) {
    after = read.dueAfter(after, undefined);
    if (after === undefined) break;
    times.push(new Date(after).toISOString().slice(5, 16));
  }
  return times;
}

describe('schedules', () => {
  it('are absolute: on the hour, by a cron line in a time zone (D-46)', () => {
    expect(dueTimes({ cron: '0 * * * *' }, 'UTC', '2026-06-01T10:59:59Z', 2)).toEqual([
      '06-01T11:00',
      '06-01T12:00',
    ]);
    expect(dueTimes({ cron: '30 2 * * *' }, 'Asia/Kolkata', '2026-06-01T00:00:00Z', 1)).toEqual([
      '06-01T21:00',
    ]);
    expect(dueTimes({ at: '2026-12-24T18:00:00' }, 'Europe/Berlin', '2026-06-01T00:00:00Z', 9)).toEqual([
      '12-24T17:00',
    ]);
    expect(dueTimes({ at: '2026-12-24T18:00+05:30' }, 'Europe/Berlin', '2026-06-01T00:00:00Z', 9)).toEqual([
      '12-24T12:30',
    ]);
  });

  it('are relative: an hour after the end of the last run, or after the batch was first known (D-46)', () => {
    const read = readSchedule({ everyMs: 3_600_000 }, 'UTC');
    expect(read.dueAfter(1_000, undefined)).toBe(3_601_000);
    expect(read.dueAfter(1_000, 500_000)).toBe(4_100_000);
  });

  it('are due when clocks are put forward, where their time of day is left out', () => {
    const times = dueTimes({ cron: '30 2 * * *' }, 'America/New_York', '2026-03-07T00:00:00Z', 3);
    expect(times).toEqual(['03-07T07:30', '03-08T07:00', '03-09T06:30']);
  });

  it('are due once where clocks are put back over their time of day, and each time where they are due each half hour', () => {
    const zone = 'America/New_York';
    expect(dueTimes({ cron: '30 1 * * *' }, zone, '2026-10-31T00:00:00Z', 3)).toEqual([
      '10-31T05:30',
      '11-01T05:30',
      '11-02T06:30',
    ]);
    const halves = dueTimes({ cron: '*/30 * * * *' }, zone, '2026-11-01T04:59:00Z', 5);
    expect(halves).toEqual(['11-01T05:00', '11-01T05:30', '11-01T06:00', '11-01T06:30', '11-01T07:00']);
  });

  it('name the thirtieth of March, and never one of February', () => {
    expect(() => readSchedule({ at: '2026-02-30T12:00:00' }, 'UTC')).toThrow(
      '"2026-02-30T12:00:00" is no time',
    );
    expect(() => readSchedule({ cron: '0 0 30 2 *' }, 'UTC')).toThrow('names a time that never comes');
  });
});

describe('what is to be done about a batch', () => {
  const hourly = readSchedule({ cron: '0 * * * *' }, 'UTC');
  const at = (text: string): number => Date.parse(`2026-06-01T${text}Z`);
  const known = firstState(at('10:30:00'));

  it('is to wait until it is due, and then to run', () => {
    expect(planBatch(known, hourly, at('10:59:59'))).toEqual({ act: 'wait', until: at('11:00:00') });
    expect(planBatch(known, hourly, at('11:00:00'))).toEqual({ act: 'run', trigger: 'schedule' });
  });

  it('is to run once what was missed many times', () => {
    const now = Date.parse('2026-06-09T10:10:00Z');
    expect(planBatch(known, hourly, now)).toEqual({ act: 'run', trigger: 'missed' });
    expect(planBatch({ ...known, handledAt: now }, hourly, now).act).toBe('wait');
  });

  it('is to run where what is known of it is of a clock that was a year ahead, and to go by this one then', () => {
    const ahead = {
      ...known,
      handledAt: Date.parse('2027-06-01T10:00:00Z'),
      endedAt: Date.parse('2027-06-01T10:00:00Z'),
    };
    const now = at('10:30:00');
    expect(planBatch(ahead, hourly, now).act).toBe('run');
    const rules = {
      retryBaseMs: 1_000,
      retryCapMs: 60_000,
      maxPostponeMs: undefined,
      whenPostponedTooLong: 'alert',
    } as const;
    const after = afterRun(ahead, 'performed', now, now, rules);
    expect(planBatch(after, hourly, now)).toEqual({ act: 'wait', until: at('11:00:00') });
    // Seconds are none of it.
    expect(planBatch({ ...known, handledAt: at('11:00:01') }, hourly, at('10:59:59'))).toEqual({
      act: 'wait',
      until: at('12:00:00'),
    });
  });

  it('is to look again at what was postponed, unless it is due before, and nothing while it is paused or held', () => {
    const postponed = { ...known, postponements: 1, retryAt: at('10:40:00') };
    expect(planBatch(postponed, hourly, at('10:39:00'))).toEqual({ act: 'wait', until: at('10:40:00') });
    expect(planBatch(postponed, undefined, at('10:40:00'))).toEqual({ act: 'run', trigger: 'retry' });
    expect(planBatch({ ...postponed, paused: true }, hourly, at('12:00:00'))).toEqual({
      act: 'wait',
      until: undefined,
    });
    expect(planBatch({ ...postponed, holder: 'b' }, hourly, at('12:00:00'))).toEqual({ act: 'watch' });
    expect(planBatch(known, undefined, at('12:00:00'))).toEqual({ act: 'wait', until: undefined });
  });
});

describe('a scheduled batch', () => {
  const startedAt = (events: readonly { readonly type: string }[]): readonly string[] =>
    events
      .flatMap((event) => ('run' in event && typeof event.run === 'object' ? [event.run] : []))
      .map((run) => (run as { readonly startedAt: string }).startedAt.slice(5, 16));

  it('runs in the night that has no half past two, by a clock that is moved by hand', async () => {
    const bench = batchBench({ startAt: Date.parse('2026-03-08T06:50:00Z') });
    const batch = bench.batch({ schedule: { cron: '30 2 * * *' }, timeZone: 'America/New_York' });
    batch.start();
    await quiet();
    await bench.go(3 * 3_600_000, 60_000);
    expect(startedAt(bench.events)).toEqual(['03-08T07:00']);
    await batch.close();
  });

  it('runs once in the night that has half past one twice', async () => {
    const bench = batchBench({ startAt: Date.parse('2026-11-01T05:00:00Z') });
    const batch = bench.batch({ schedule: { cron: '30 1 * * *' }, timeZone: 'America/New_York' });
    batch.start();
    await quiet();
    await bench.go(3 * 3_600_000, 60_000);
    expect(startedAt(bench.events)).toEqual(['11-01T05:30']);
    await batch.close();
  });

  it('processes its queue at each of its times, and what came meanwhile at the next (D-32)', async () => {
    const bench = batchBench({ startAt: Date.parse('2026-06-01T10:59:30Z') });
    const source = items('A', 2);
    const batch = bench.batch({ schedule: { cron: '0 * * * *' }, source });
    batch.start();
    await quiet();
    expect(batch.status()).toMatchObject({ state: 'waiting', nextDueAt: '2026-06-01T11:00:00.000Z' });
    expect(bench.performed).toEqual([]);
    await bench.go(60_000);
    expect(bench.performed).toEqual(['A1', 'A2']);
    expect(source).toEqual([]);
    source.push({ id: 'late', partition: 'A' });
    await bench.go(3_600_000, 30_000);
    expect(bench.performed).toEqual(['A1', 'A2', 'late']);
    await batch.close();
  });

  it('runs so long after the end of the run before (D-46), and never twice at once', async () => {
    const bench = batchBench();
    const takes: (() => void)[] = [];
    const batch = bench.batch({
      schedule: { everyMs: 10_000 },
      attemptTimeoutMs: 3_600_000,
      source: () => [{ id: `${takes.length}`, partition: 'A' }],
      perform: () => new Promise<void>((resolve) => takes.push(resolve)),
    });
    batch.start();
    await quiet();
    await bench.go(60_000);
    expect([takes.length, batch.status().state]).toEqual([1, 'running']);
    takes[0]?.();
    await quiet();
    await bench.go(9_000);
    expect(takes).toHaveLength(1);
    await bench.go(1_100, 100);
    expect(takes).toHaveLength(2);
    takes[1]?.();
    await batch.close();
  });

  it('leaves out what becomes due while a run is under way', async () => {
    const bench = batchBench({ startAt: Date.parse('2026-06-01T10:00:30Z') });
    const takes: (() => void)[] = [];
    const batch = bench.batch({
      schedule: { cron: '* * * * *' },
      attemptTimeoutMs: 3_600_000,
      source: () => [{ id: 'one', partition: 'A' }],
      perform: () => new Promise<void>((resolve) => takes.push(resolve)),
    });
    batch.start();
    await quiet();
    await bench.go(150_000);
    takes[0]?.();
    await quiet();
    expect([takes.length, batch.status().nextDueAt]).toEqual([1, '2026-06-01T10:04:00.000Z']);
    await batch.close();
  });
});
