import { describe } from 'vitest';
import { queueModel } from '../../../contracts/queue-model.ts';
import { postgresUnderTest, usePostgres } from './place.ts';

const place = usePostgres();

describe('queue of the PostgreSQL engine', () => {
  queueModel(() => postgresUnderTest(place), { unitMs: 3_600_000, timePasses: false });
});
