import { describe } from 'vitest';
import { queueModel } from '../../../contracts/queue-model.ts';
import { sqliteUnderTest } from './place.ts';

describe('queue of the embedded engine', () => {
  queueModel(sqliteUnderTest, { unitMs: 10, timePasses: true });
});
