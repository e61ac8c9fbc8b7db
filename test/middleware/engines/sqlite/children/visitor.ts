import { systemClock } from '../../../../../packages/middleware/dist/clock.js';
import { sqliteEngine } from '../../../../../packages/middleware/dist/engines/sqlite/sqlite-engine.js';

/** Opens, appends one entry, closes in good order and leaves. */
const [directory = ''] = process.argv.slice(2);
const open = await sqliteEngine({ directory }).open({
  application: 'shop',
  group: 'main',
  clock: systemClock,
});
await open.log.append([new TextEncoder().encode('visited')]);
await open.close();
