// Begins a ledger in the directory that is named, and leaves it.
import { slackwater, sqliteEngine } from '@slackwater/middleware';

const [directory = ''] = process.argv.slice(2);
const gate = slackwater({
  application: 'shop',
  workTypes: { order: { priority: 1, thresholdMs: 100, whenOver: 'defer' } },
  requester: () => 'ann',
  engine: sqliteEngine({ directory }),
});
await gate.ledger.open();
await gate.close();
