import type { Deferral } from '../ledger/deferral.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import { atPlace, placeHelp, placeOptions, withLedger } from './at-place.ts';
import type { Command } from './command.ts';
import { CommandFailed } from './failures.ts';
import { readOptions, usage } from './read-options.ts';

const help = `Usage: slackwater redrive --ledger URL (--id ID | --all [--work-type NAME] [--partition NAME]
                          [--route PATTERN] [--error CODE] [--limit N]) [--repeat] [--dry-run]
                          [--by NAME] [--application NAME] [--group NAME] [--keys FILE]

Puts parked deferrals back on their queues, whatever they were parked for. The running application
finds them within a second and tries them as if they had never been tried; what their completion
rows say is done is not done again. Each is an entry of the ledger.

  --id ID             that one
  --all               all parked ones that the filters admit, the oldest first
  --work-type NAME    of that work type
  --partition NAME    of that partition
  --route PATTERN     of that route, such as /orders/:id
  --error CODE        parked with that code, such as route-missing
  --limit N           at most so many, up to 100000; 1000 if not given
  --repeat            begins routes anew of which some transactions are done already
                      (interrupted-between-transactions): only where that does no harm
  --dry-run           counts them and leaves them alone
  --by NAME           who asked for it, for the record; operator if not given
${placeHelp}
Prints one line of JSON: dryRun, matched, redriven, skipped (no longer parked), errors (by code), and more
where the limit left some out. Ends with 1 where --id is not parked.
`;

const filterNames = ['work-type', 'partition', 'route', 'error', 'limit'] as const;
const mostCharacters = 500;
const perPage = 1_000;

interface Filters {
  readonly workType: string | undefined;
  readonly partition: string | undefined;
  readonly route: string | undefined;
  readonly error: string | undefined;
}

/** `slackwater redrive`: puts parked deferrals back on their queues. */
export const redriveCommand: Command = {
  summary: 'puts parked deferrals back on their queues, one or many',
  help,
  async run(args, { stdout, clock }) {
    const names = [...placeOptions, 'id', 'by', ...filterNames] as const;
    const options = readOptions('redrive', args, names, ['all', 'repeat', 'dry-run']);
    const { id, by = 'operator' } = options;
    const given = filterNames.filter((name) => options[name] !== undefined);
    if ((id === undefined) === (options.all === undefined))
      throw usage('redrive', 'give --id or --all, and not both');
    if (id !== undefined && given.length > 0)
      throw usage('redrive', `--${given[0]} goes with --all, not with --id`);
    if (by.length > mostCharacters) throw usage('redrive', `--by has up to ${mostCharacters} characters`);
    const limit = limitOf(options.limit ?? '1000');
    const { partition, route, error } = options;
    const filters = { workType: options['work-type'], partition, route, error };
    const at = await atPlace('redrive', options);
    const isDryRun = options['dry-run'] === true;
    const terms = { type: 'redriven', by: `command:${by}`, repeat: options.repeat === true } as const;
    const report = await withLedger(at, clock, async (ledger) => {
      const { matched, more } =
        id === undefined ? await parkedOnes(ledger, filters, limit) : await theOne(ledger, id);
      let redriven = 0;
      for (const one of isDryRun ? [] : matched) {
        if ((await ledger.step(one.id, terms)) !== undefined) redriven += 1;
      }
      const skipped = isDryRun ? 0 : matched.length - redriven;
      return { dryRun: isDryRun, matched: matched.length, redriven, skipped, errors: tallied(matched), more };
    });
    stdout.write(`${JSON.stringify(report)}\n`);
  },
};

async function theOne(ledger: Ledger, id: string): Promise<{ matched: readonly Deferral[]; more: false }> {
  const deferral = await ledger.find(id);
  if (deferral === undefined) throw new CommandFailed(`there is no deferral ${id} in this ledger`);
  if (deferral.phase !== 'parked') {
    const { status, phase } = deferral;
    throw new CommandFailed(
      `deferral ${id} is ${status} (${phase}): only what is parked can be redriven; look at it with "slackwater inspect"`,
    );
  }
  return { matched: [deferral], more: false };
}

/** The oldest of them, in their order. */
async function parkedOnes(
  ledger: Ledger,
  filters: Filters,
  limit: number,
): Promise<{ matched: readonly Deferral[]; more: boolean }> {
  const { workType, partition } = filters;
  const query = {
    limit: perPage,
    ...(workType !== undefined && { workType }),
    ...(partition !== undefined && { partition }),
  };
  let matched: Deferral[] = [];
  let more = false;
  for (let cursor: string | undefined; ; ) {
    const page = await ledger.list({ ...query, ...(cursor !== undefined && { cursor }) });
    matched.push(...page.deferrals.filter((deferral) => isMeant(deferral, filters)));
    // Lists begin with the newest: those that were found first are left out.
    if (matched.length > limit) {
      more = true;
      matched = matched.slice(-limit);
    }
    if (page.next === undefined) return { matched: matched.toReversed(), more };
    cursor = page.next;
  }
}

function isMeant(deferral: Deferral, { route, error }: Filters): boolean {
  if (deferral.phase !== 'parked') return false;
  return (
    (route === undefined || deferral.route === route) &&
    (error === undefined || deferral.error?.code === error)
  );
}

function tallied(matched: readonly Deferral[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { error } of matched) {
    const code = error?.code ?? 'unknown';
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 100_000) return limit;
  throw usage('redrive', `--limit ${JSON.stringify(text)}: give a whole number from 1 to 100000`);
}
