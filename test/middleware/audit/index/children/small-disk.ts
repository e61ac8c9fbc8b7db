import { openAuditIndex } from '../../../../../packages/middleware/src/audit/index/audit-index.ts';
import { systemClock } from '../../../../../packages/middleware/src/clock.ts';
import { entryOf, idOf, logInMemory } from '../entries.ts';

// An index in a process whose files may not grow, as on a disk without room. Says what a question gets and what trouble it heard of, and
// whether its log can be read on.

const [path = '', count = '0'] = process.argv.slice(2);
const log = logInMemory();
for (let n = 0; n < Number(count); n++) log.add(entryOf(idOf(n), 'accepted', { requester: `r${n}` }));
const troubles: string[] = [];
const index = openAuditIndex({
  ...{ log, clock: systemClock, path, ledger: 'small', waitMs: 30_000, lookEveryMs: 1 },
  onTrouble: (error) => troubles.push(String(error)),
});
const ask = (): Promise<string> =>
  index.list({ limit: 1 }).then(
    () => 'an answer',
    (error: unknown) => `${Object(error).code}: ${Object(error).message}`,
  );
const answers = [await ask(), await ask()];
const { entries, behind } = index.status();
await index.close();
process.stdout.write(JSON.stringify({ answers, troubles, entries, behind }));
