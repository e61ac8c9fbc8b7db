import { setTimeout as wait } from 'node:timers/promises';
import { type Gate, slackwater } from '@slackwater/middleware';
import express from 'express';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import { auth, claims, signed } from '../../audit/issuer.ts';

const base = '/slackwater';
const app = express();
let gate: Gate;

beforeAll(async () => {
  gate = slackwater({
    auth,
    workTypes: {
      settle: { priority: 1, thresholdMs: 'auto' },
      report: { priority: 2, thresholdMs: 'auto' },
      export: { priority: 3, thresholdMs: 40 },
    },
    autoThreshold: { warmUpMs: 1_000 },
  });
  app.use(gate);
  commits();
  // No value stands for more than a second, so that is how long it takes.
  await wait(1_050);
  commits();
});

afterAll(() => gate.close());

function commits(): void {
  for (let n = 0; n < 8; n++) {
    const startedAt = systemClock.now() - 30;
    const rest = { context: undefined, durationMs: 30, outcome: 'committed' } as const;
    gate.latency.finish({ partition: 'orders', kind: 'explicit', startedAt, ...rest });
  }
}

const by = (scope: string): string => `Bearer ${signed(claims(Date.now(), scope))}`;
const read = (path: string): request.Test =>
  request(app).get(`${base}${path}`).set('Authorization', by('audit:read'));
const change = (name: string, body: object): request.Test =>
  request(app).put(`${base}/work-types/${name}`).set('Authorization', by('admin')).send(body);

describe('thresholds that partitions teach', () => {
  it('are shown with the partition, and what it taught', async () => {
    const { body } = await read('/partitions').expect(200);
    expect(body.partitions).toMatchObject([
      { partition: 'orders', baselineMs: 30, thresholdsMs: { settle: 120, report: 75 } },
    ]);
  });

  it('are shown with the work type, as auto and as what they are at present on each partition', async () => {
    const { body } = await read('/work-types/report').expect(200);
    expect(body).toMatchObject({ thresholdMs: 'auto', thresholdsMs: { orders: 75 } });
    expect((await read('/work-types/export').expect(200)).body).not.toHaveProperty('thresholdsMs');
  });

  it('can be changed to a number and back while running', async () => {
    expect((await change('report', { thresholdMs: 60 }).expect(200)).body).toMatchObject({ thresholdMs: 60 });
    expect((await read('/work-types/report')).body).not.toHaveProperty('thresholdsMs');
    expect((await change('export', { thresholdMs: 'auto' }).expect(200)).body).toMatchObject({
      thresholdMs: 'auto',
    });
    // Two have a threshold that is auto, one of them is more important; a number in between is no bound to the first.
    expect((await read('/partitions')).body.partitions).toMatchObject([
      { thresholdsMs: { settle: 120, export: 60 } },
    ]);
    await change('report', { thresholdMs: 'auto' }).expect(200);
    expect((await read('/work-types/report')).body).toMatchObject({ thresholdsMs: { orders: 90 } });
  });

  it('stay as they are where a change is refused', async () => {
    for (const thresholdMs of ['200', 'AUTO', -1, 0, 1e12, null, true]) {
      const { body } = await change('settle', { thresholdMs }).expect(422);
      expect(body).toMatchObject({
        code: 'change-refused',
        detail: expect.stringContaining('thresholdMs: '),
      });
    }
    expect((await read('/work-types/settle')).body).toMatchObject({
      thresholdMs: 'auto',
      thresholdsMs: { orders: 120 },
    });
  });
});
