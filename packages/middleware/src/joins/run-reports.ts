import type { OperationReport } from '@slackwater/shared';
import { LedgerError } from '../ledger/ledger-error.ts';
import { isOperationEntry, type RunReveal, valueDigest } from '../ledger/operation-records.ts';
import { happenedIn } from '../operations/read-runs.ts';
import { revealReport } from '../operations/reveal-report.ts';
import { type RunEntry, reportOf } from '../operations/run-report.ts';
import { runStateOf } from '../operations/run-state.ts';
import { RunValues } from '../operations/run-values.ts';
import { isOfRun } from '../perform/run-ends.ts';
import type { GroupRunner } from './runners.ts';

const atOnce = 64;

/**
 * What the ledger of a group has of a run, by its id or that of a deferral that was left to it; each entry is verified under the signed head. With `reveal`, values
 * in plain text, once it is recorded who sees them. Undefined where there is no such run. Rejects where it can't be asked.
 */
export async function reportOfRun(
  { open, registry }: Pick<GroupRunner, 'open' | 'registry'>,
  id: string,
  linkedRun: (id: string) => Promise<string | undefined>,
  reveal?: RunReveal,
): Promise<OperationReport | undefined> {
  const { ledger, audit } = open;
  const deferral = await ledger.find(id);
  const linked = deferral && (isOfRun(deferral) ? deferral.parent : await linkedRun(id));
  const run = deferral === undefined ? id : linked;
  const positions = run === undefined ? [] : await audit.entriesOf(run);
  const entries: RunEntry[] = [];
  for (let i = 0; i < positions.length; i += atOnce) {
    const some = positions.slice(i, i + atOnce).map(async (position) => {
      return { position, entry: await ledger.operations.entry(position) };
    });
    entries.push(...(await Promise.all(some)));
  }
  const own = entries.filter(({ entry }) => isOperationEntry(entry));
  const state = runStateOf(run ?? id, own.map(happenedIn));
  const first = own[0]?.entry;
  if (state === undefined || first === undefined || state.blocks.size === 0) return undefined;
  const report = reportOf(state, own);
  if (reveal === undefined) return report;
  const owner = { id: state.id, requester: first.requester, workType: first.workType };
  await ledger.operations.recordReveal(owner, reveal);
  const values = new RunValues(
    {
      records: ledger.operations,
      registry,
      digest: valueDigest,
      corrupt: (message) => new LedgerError('record-corrupt', message),
    },
    owner,
  );
  return revealReport(report, state, values);
}
