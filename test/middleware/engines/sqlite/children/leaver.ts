import { systemClock } from '../../../../../packages/middleware/dist/clock.js';
import { sqliteEngine } from '../../../../../packages/middleware/dist/engines/sqlite/sqlite-engine.js';

/** Appends a hundred entries without waiting for any, closes nothing, and has nothing more to do. */
const [directory = ''] = process.argv.slice(2);
const open = await sqliteEngine({ directory }).open({
  application: 'shop',
  group: 'main',
  clock: systemClock,
});
for (let index = 0; index < 100; index += 1) void open.log.append([new TextEncoder().encode(`${index}`)]);
