import { createKeyFile, slackwater } from '@slackwater/middleware';
import { natsEngine } from '@slackwater/middleware/nats';
import { type NatsServer, startNats } from '@slackwater/test-support/nats';
import express from 'express';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const engineTimeoutMs = 300;
let server: NatsServer;

beforeAll(async () => {
  server = await startNats();
});

afterAll(async () => {
  server.resume();
  await server.stop();
});

describe('the opening of a ledger', () => {
  it('is waited for no longer than engineTimeoutMs by those who ask for a deferral, and they are told to retry later', async () => {
    await server.pause();
    const gate = slackwater({
      application: 'orders',
      workTypes: { order: { priority: 2, thresholdMs: 100, whenOver: 'defer' } },
      classify: () => 'order',
      partition: 'orders',
      requester: () => 'ann',
      engine: natsEngine({
        servers: server.servers,
        keys: createKeyFile({ application: 'orders', group: 'main' }),
      }),
      ledger: { engineTimeoutMs },
    });
    const app = express().use(gate);
    const path = '/slackwater/deferrals/01M7YRJCW02SPVJJRBWESR7E6S?capability=abc';
    const answer = await request(app).get(path);
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ code: 'retry-later', retryable: true, reasons: ['ledger-timeout'] });
    server.resume();
    await expect.poll(async () => (await request(app).get(path)).status, { timeout: 30_000 }).toBe(404);
    await gate.close();
  });
});
