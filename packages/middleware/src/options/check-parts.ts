import type { PartOptions } from '../perform/parts/part-options.ts';
import { workTypeName } from './check-routes.ts';
import { OptionContradictionError, OptionMissingError } from './option-error.ts';
import { entriesOf, type Readers, readGroup, within } from './read-group.ts';
import { flag, functionOf, orFunction, plainName, text } from './read-values.ts';
import type { ResolvedOptions, WorkTypePolicy } from './resolved.ts';

/** How many parts there may be: each has a name in metrics of routes and in the audit's index. */
const most = 1_000;

/** The option `parts`. Throws `option-invalid`, `option-unknown` and `option-missing`. */
export function checkParts(
  value: unknown,
  workTypes: readonly WorkTypePolicy[],
): ReadonlyMap<string, PartOptions> {
  if (value === undefined) return new Map();
  const readers: Readers<PartOptions> = {
    perform: functionOf('async (payload, { idempotencyKey }) => { await send(payload, idempotencyKey); }'),
    workType: workTypeName(workTypes),
    partition: orFunction(text(200, 'the name of a partition')),
    orderKey: functionOf('({ order }) => order'),
    repeatable: flag,
  };
  const advice = 'give parts by name, { email: { perform: async (payload) => { await send(payload); } } }';
  const entries = entriesOf(value, 'parts', advice);
  if (entries.length > most) {
    throw new OptionContradictionError('parts', `it has ${entries.length} members; at most ${most}`);
  }
  return new Map(
    entries.map(([name, part]) => {
      const option = within('parts', name);
      const { perform, ...given } = readGroup(part, option, readers, { advice });
      if (perform === undefined) {
        throw new OptionMissingError(
          within(option, 'perform'),
          'a part without it can only be deferred, and never be done; give the function that does it',
        );
      }
      return [plainName(name, option), { perform, ...given }] as const;
    }),
  );
}

/** Refuses parts that nobody could ever defer. Throws `option-missing`. */
export function checkPartsTogether({
  parts,
  groups,
  requester,
}: Pick<ResolvedOptions, 'parts' | 'groups' | 'requester'>): void {
  const [name] = parts.keys();
  const absent = Object.entries({ engine: groups[0], requester }).flatMap(([option, value]) =>
    value === undefined ? [option] : [],
  );
  const [first] = absent;
  if (name === undefined || first === undefined) return;
  throw new OptionMissingError(
    first,
    `${within('parts', name)} is there, and ${absent.join(' and ')} ${absent.length === 1 ? 'is' : 'are'} not: a part is recorded ` +
      "in the ledger (engine: sqliteEngine({ directory: '.slackwater' })), for somebody (requester: (req) => req.auth?.sub)",
  );
}
