import type { EngineOpenOptions, OpenEngine } from '../engines/engine.ts';
import { gateDefaults } from '../options/options.ts';
import { UsageError } from './failures.ts';
import { checkedName } from './names.ts';
import type { LedgerName, Place } from './place.ts';
import { usage } from './read-options.ts';

/** Whose ledger is meant. Throws a {@link UsageError} where that is not clear, or there is no such ledger. */
export function ledgerOf(
  command: string,
  from: Place,
  given: { readonly application?: string; readonly group?: string },
): LedgerName {
  for (const option of ['application', 'group'] as const) {
    const name = given[option];
    if (name !== undefined) checkedName(command, option, name);
  }
  if (from.ledgers === undefined) {
    if (given.application === undefined)
      throw usage(command, `--application is missing; ${from.shown} can't tell`);
    return { application: given.application, group: given.group ?? gateDefaults.group };
  }
  const all = from.ledgers();
  const meant = all.filter(
    ({ application, group }) =>
      application === (given.application ?? application) && group === (given.group ?? group),
  );
  const [only, ...others] = meant;
  if (only !== undefined && others.length === 0) return only;
  const listed = all.map(({ application, group }) => `--application ${application} --group ${group}`);
  if (listed.length === 0) throw new UsageError(`${from.shown} holds no ledger; is it the right directory?`);
  const problem = only === undefined ? 'holds no ledger of that name' : 'holds several ledgers';
  throw usage(command, `${from.shown} ${problem}; give one of: ${listed.join('; ')}`);
}

/** Opens the place's engine for the time of the work. */
export async function withOpen<T>(
  place: Place,
  keys: Uint8Array,
  owner: EngineOpenOptions,
  work: (engine: OpenEngine) => Promise<T>,
): Promise<T> {
  const engine = await (await place.engine(keys)).open(owner);
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}
