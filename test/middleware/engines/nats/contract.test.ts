import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import { natsEngine } from '../../../../packages/middleware/src/engines/nats/nats-engine.ts';
import { engineContract } from '../../../contracts/engine-contract.ts';

let n = 0;
engineContract('nats', async () => {
  const prefix = `t${process.pid}-${Date.now()}-${n++}`;
  return {
    makeEngine: () =>
      natsEngine({ servers: process.env['NATS'] ?? '127.0.0.1:14220', prefix, keys: '{"test":1}' }),
    clock: systemClock,
    pass: (ms) => sleep(ms + 20),
    dispose: async () => {},
  };
});
