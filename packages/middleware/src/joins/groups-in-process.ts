import { locateDeferral } from '../answer/resources/locate-deferral.ts';
import { auditInProcess, ledgerInProcess } from '../audit/in-process.ts';
import type { Gate, GateGroup } from '../options/gate.ts';
import { OptionMissingError } from '../options/option-error.ts';
import { flag, text } from '../options/read-values.ts';
import type { GroupOperations } from './group-operations.ts';
import { queueInProcess } from './queue-desk.ts';
import type { ResourceGroup } from './resource-group.ts';
import type { ResourceGroups } from './resource-groups.ts';

/**
 * The ledgers of a gate for the application itself. What it asks waits until they are open; every call rejects with
 * `option-missing` where there are none.
 */
export function groupsInProcess(
  groups: ResourceGroups | undefined,
  operations: Pick<GroupOperations, 'of'>,
): Pick<Gate, 'ledger' | 'audit' | 'queue' | 'groups' | 'deferrals'> {
  const some = (): ResourceGroups => {
    if (groups === undefined) throw new OptionMissingError('engine', 'say where the ledger lives');
    return groups;
  };
  const locate = async (id: string) => {
    const asked = some().all.map((group) => ({
      group,
      mark: group.mark,
      ledger: async () => (await group.opened()).ledger,
    }));
    return locateDeferral(asked, id);
  };
  return {
    ...groupInProcess(async () => some().home, operations),
    groups: new Map(groups?.all.map((group) => [group.name, groupInProcess(async () => group, operations)])),
    deferrals: {
      find: async (id) => (await locate(id))?.deferral,
      async cancel(id) {
        const located = await locate(id);
        // Who has nothing of that id says so in the words it has for it.
        return (located?.group.group ?? some().home).cancel(id);
      },
      async redrive(id, { by = 'app', repeat = false } = {}) {
        const located = await locate(id);
        if (located === undefined) return 'not-redrivable';
        return located.group.group.redrive(id, {
          by: `code:${readBy(by, 'by')}`,
          // Taken for true, whatever is written there would begin anew what is done in part.
          repeat: flag(repeat, 'repeat'),
        });
      },
      get inFlight() {
        return groups?.inFlight ?? 0;
      },
    },
  };
}

const readBy = text(200, 'a name');

function groupInProcess(
  group: () => Promise<ResourceGroup>,
  operations: Pick<GroupOperations, 'of'>,
): GateGroup {
  const open = async () => (await (await group()).opened()).ledger;
  return {
    ledger: ledgerInProcess(open, async (...wish) => (await (await group()).opened()).eraser.erase(...wish)),
    audit: auditInProcess(
      open,
      async () => (await (await group()).opened()).audit,
      async (...asked) => operations.of((await group()).name).report(...asked),
    ),
    queue: queueInProcess(async () => (await (await group()).opened()).desk),
  };
}
