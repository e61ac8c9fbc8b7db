import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeEntry, type LedgerEntry } from '@slackwater/shared';
import { manualClock } from '@slackwater/test-support/manual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { sqliteEngine } from '../../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { monitorMessage } from '../../../../packages/middleware/src/perform/webhooks/monitor-message.ts';
import {
  beginNoting,
  noteMessages,
} from '../../../../packages/middleware/src/perform/webhooks/note-messages.ts';
import { WebhookNotes } from '../../../../packages/middleware/src/perform/webhooks/webhook-notes.ts';
import { entryOf } from '../../../shared/ledger-maker.ts';

const clock = manualClock(Date.parse('2026-05-01T12:00:00.000Z'));
const at = '2026-05-01T11:59:00.000Z';

let directory: string;
let engine: OpenEngine;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slackwater-noting-'));
  engine = await sqliteEngine({ directory }).open({ application: 'shop', group: 'main', clock });
});
afterEach(async () => {
  await engine.close();
  rmSync(directory, { recursive: true });
});

const said = (type: LedgerEntry['type'], more: Partial<LedgerEntry> = {}): Uint8Array =>
  encodeEntry({ ...entryOf(0, { type }), id: 'a', at, workType: 'settle', ...more });

async function noted(): Promise<readonly object[]> {
  const notes = new WebhookNotes(engine.store);
  await noteMessages({
    clock,
    log: engine.log,
    store: engine.store,
    notes,
    isWanted: ({ workType }) => workType === 'settle',
    notOlderThanMs: 3_600_000,
  });
  const { notes: due } = await notes.due(clock.wallNow());
  return due.map(({ note: { id, event, position } }) => ({ id, event, position }));
}

describe('what webhooks tell', () => {
  it('is how deferrals end, that they are parked, and what was undone, as the log says it from the beginning on', async () => {
    const before = [said('performed', { id: 'before' })];
    await engine.log.append(before);
    expect(await noted()).toEqual([]);
    await beginNoting(engine);
    const method = 'COMPENSATE';
    await engine.log.append([
      said('performing', { attempt: 1 }),
      said('failed', { error: 'route-failed', retryAt: at }),
      said('parked', { error: 'route-missing' }),
      said('redriven', { by: 'code:x' }),
      said('failed', { error: 'route-refused' }),
      said('performed', { id: 'undoing', method, parent: 'a' }),
      said('canceled', { id: 'unneeded', method, parent: 'b', error: 'canceled-by-requester' }),
      said('parked', { id: 'stuck', method, parent: 'c', error: 'route-failed' }),
      said('performed', { id: 'other', workType: 'report' }),
      said('performed', { id: 'old', at: '2026-05-01T10:59:00.000Z' }),
      said('canceled', { id: 'b', error: 'canceled-by-requester' }),
    ]);
    const expected = [
      { id: 'a', event: 'parked', position: 3 },
      { id: 'a', event: 'failed', position: 5 },
      { id: 'a', event: 'reversed', position: 6 },
      { id: 'stuck', event: 'parked', position: 8 },
      { id: 'b', event: 'canceled', position: 11 },
    ];
    expect(await noted()).toEqual(expected);
    expect(await noted()).toEqual(expected);
  });

  it('is that tasks fail too often, or can not be undone, to the monitor of the first that has one', async () => {
    await beginNoting(engine);
    const failures: readonly [] = [];
    const failing = { task: 'pay', count: 11, threshold: 10, windowMs: 1, position: 0, hosts: [], failures };
    const step = { token: 1, error: 'task-undo-failed', failed: ['fly', 'pay'] };
    await engine.log.append([
      said('task-failing', { failing }),
      said('operation-parked', { step }),
      said('operation-parked', { step: { ...step, error: 'function-missing', failed: [] } }),
    ]);
    const notes = [
      { id: 'a', event: 'task-failing', position: 0 },
      { id: 'a', event: 'task-undo-failed', position: 1 },
    ] as const;
    expect(await noted()).toEqual(notes);
    const monitor = { url: 'https://alerts.example/', secret: ['s'] };
    const monitorOf = (task: string) => (task === 'pay' ? monitor : undefined);
    const [one, two] = await Promise.all(
      notes.map((note) =>
        monitorMessage(engine.log, monitorOf, { ...note, at: Date.parse(at), attempts: 0 }),
      ),
    );
    const sentBy = (message: typeof one): unknown => JSON.parse(Buffer.from(message?.body ?? []).toString());
    expect(one).toMatchObject({ url: { url: monitor.url }, task: 'pay' });
    expect(sentBy(one)).toMatchObject({
      type: 'task.failing',
      timestamp: at,
      data: { id: 'a', task: 'pay', count: 11 },
    });
    expect(two).toMatchObject({ url: { url: monitor.url }, task: 'pay' });
    const data = { id: 'a', tasks: ['fly', 'pay'], error: 'task-undo-failed', position: 1 };
    expect(sentBy(two)).toMatchObject({ type: 'task.undo-failed', timestamp: at, data });
    expect(
      await monitorMessage(engine.log, () => undefined, { ...notes[0], at: 0, attempts: 0 }),
    ).toBeUndefined();
  });

  it('is noted by one host at a time, and passes by what is no entry', async () => {
    await beginNoting(engine);
    await engine.log.append([Buffer.from('{"v":1}'), said('performed', { id: 'a' })]);
    const turn = await engine.store.create('webhooks/turn', new Uint8Array());
    expect(await noted()).toEqual([]);
    await engine.store.delete('webhooks/turn', turn);
    expect(await noted()).toEqual([{ id: 'a', event: 'performed', position: 1 }]);
  });

  it('begins anew where its cursor can not be read', async () => {
    await engine.log.append([said('performed', { id: 'before' })]);
    await engine.store.put('webhooks/cursor', Buffer.from('nonsense'));
    await beginNoting(engine);
    await engine.log.append([said('performed', { id: 'after' })]);
    expect(await noted()).toEqual([{ id: 'after', event: 'performed', position: 1 }]);
  });
});
