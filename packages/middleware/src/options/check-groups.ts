import type { Engine } from '../engines/engine.ts';
import { readEngine } from './check-engine.ts';
import { ledgerReaders } from './check-ledger.ts';
import type { ResourceGroupOptions } from './group-options.ts';
import type { LedgerOptions } from './ledger-options.ts';
import { OptionContradictionError, OptionInvalidError, OptionMissingError } from './option-error.ts';
import { entriesOf, type Read, type Readers, readGroup, within } from './read-group.ts';
import { namePattern, nameRule, plainName } from './read-values.ts';
import type { GroupPolicy, ResolvedLedger, ResolvedOptions } from './resolved.ts';

/** More ledgers than these, a process is better split. */
const mostGroups = 100;

const advice =
  "give an object of groups, { eu: { engine: sqliteEngine({ directory: '.slackwater/eu' }) }, us: {} }";

const readers: Readers<ResourceGroupOptions> = {
  engine: readEngine,
  ledger: (value, option) =>
    readGroup<LedgerOptions>(value, option, ledgerReaders, {
      advice: 'give an object, { keepOutcomeMs: 86_400_000 }',
    }),
};

/** What was said of resource groups, before it is known what else was. */
export interface GivenGroups {
  readonly groups: unknown;
  /** Undefined where it was left out. */
  readonly group: string | undefined;
  readonly engine: Engine | undefined;
  readonly ledger: ResolvedLedger;
  readonly groupFor: ResolvedOptions['groupFor'];
}

/** The resource groups of a gate; none where there is no engine. */
export type Grouping = Pick<ResolvedOptions, 'group' | 'groups' | 'defaultGroup'>;

/**
 * The resource groups: those that are named, or the one that every gate with an engine has. Throws `option-invalid`,
 * `option-unknown` and `option-missing`.
 */
export function checkGroups(given: GivenGroups, usualGroup: string): Grouping {
  const { groupFor, engine, ledger } = given;
  if (given.groups === undefined) {
    if (groupFor !== undefined)
      throw missing('groups', `groupFor says which of them a request belongs to; ${advice}`);
    const group = given.group ?? usualGroup;
    const groups = engine === undefined ? [] : [{ name: group, engine, ledger }];
    return { group, groups, defaultGroup: group };
  }
  const groups = namedGroups(given);
  const [first, another] = groups;
  if (first === undefined || groups.length > mostGroups) {
    const count = `it has ${groups.length} groups`;
    throw new OptionContradictionError(
      'groups',
      `${count}; give 1 to ${mostGroups}, or leave it out for one`,
    );
  }
  checkOrigins(groups, ledger);
  const names = groups.map(({ name }) => name);
  if (given.group !== undefined && !names.includes(given.group)) {
    throw new OptionInvalidError('group', given.group, `with groups it is one of them: ${names.join(', ')}`);
  }
  if (typeof groupFor === 'string' && !names.includes(groupFor)) {
    throw new OptionInvalidError(
      'groupFor',
      groupFor,
      `give one of groups: ${names.join(', ')}, or a function`,
    );
  }
  if (another !== undefined && groupFor === undefined && given.group === undefined) {
    throw missing(
      'groupFor',
      `there are several groups, and nobody else knows which of them a request belongs to: (req) => '${first.name}'; or say with group which one all requests have`,
    );
  }
  const defaultGroup = given.group ?? (another === undefined ? first.name : undefined);
  return { group: given.group ?? first.name, groups, defaultGroup };
}

function namedGroups({ groups, engine, ledger }: GivenGroups): readonly GroupPolicy[] {
  return entriesOf(groups, 'groups', advice).map(([name, members]) => {
    const option = within('groups', name);
    if (!namePattern.test(name)) throw new OptionInvalidError('groups', name, `name each with ${nameRule}`);
    const own = readGroup<ResourceGroupOptions>(members, option, readers, {
      advice: "give an object, {} or { engine: sqliteEngine({ directory: '.slackwater/eu' }) }",
    });
    const lives = own.engine ?? engine;
    if (lives === undefined) {
      throw missing(
        within(option, 'engine'),
        'nothing says where its ledger lives; give it an engine of its own, or the gate one that such groups share',
      );
    }
    return { name, engine: lives, ledger: { ...ledger, origin: undefined, ...own.ledger } };
  });
}

/** Two logs of one name would be one that is forked, to whoever follows them. */
function checkOrigins(groups: readonly GroupPolicy[], { origin }: ResolvedLedger): void {
  if (origin !== undefined) {
    throw new OptionContradictionError(
      'ledger.origin',
      'with groups each ledger has a name of its own; give groups.<name>.ledger.origin, or leave it out',
    );
  }
  const seen = new Map<string, string>();
  for (const { name, ledger } of groups) {
    const other = ledger.origin === undefined ? undefined : seen.get(ledger.origin);
    if (other !== undefined) {
      throw new OptionContradictionError(
        `groups.${name}.ledger.origin`,
        `groups.${other} has the same; each ledger has a name of its own`,
      );
    }
    if (ledger.origin !== undefined) seen.set(ledger.origin, name);
  }
}

/** The group of every request, or a function that gives it. */
export const readGroupFor: Read<NonNullable<ResolvedOptions['groupFor']>> = (value, option) => {
  if (typeof value === 'function') return value as NonNullable<ResolvedOptions['groupFor']>;
  if (typeof value === 'string') return plainName(value, option);
  throw new OptionInvalidError(option, value, "give a function, (req) => 'eu', or one of groups");
};

function missing(option: string, what: string): OptionMissingError {
  return new OptionMissingError(option, what);
}
