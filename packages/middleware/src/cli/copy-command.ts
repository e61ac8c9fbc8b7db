import { gateDefaults } from '../options/options.ts';
import type { Command } from './command.ts';
import { copyLedger } from './copy/copy-ledger.ts';
import { adviceOnKeys, placeKeys, sourceKeys } from './copy-keys.ts';
import { placeOf } from './places.ts';
import { showProgress } from './progress.ts';
import { readOptions, usage } from './read-options.ts';
import { ledgerOf, withOpen } from './which-ledger.ts';

const help = `Usage: slackwater copy --from URL --to URL [--application NAME] [--group NAME] [--keys FILE]

Carries a ledger to another engine: entries, blocks, payloads, outcomes, keys of callers, and the keys
where the engine keeps them. Positions, roots and blocks stay what they are, so that every receipt and
checkpoint that was given out verifies against the copy. States and queue are made anew from the log.

Nobody may write to the ledger meanwhile: end every process of the application first. Afterwards start
the application on the copy alone: a ledger that is gone on with in two places is two ledgers.

If it is cut off, run the same command again: it goes on where it was. The source stays as it is.

  --from URL          where the ledger is
  --to URL            where it is to be: an empty place, or one where this copy was begun
                        sqlite:DIRECTORY             the embedded engine's directory
                        nats:HOST:PORT,HOST:PORT...  NATS JetStream; nats://user:password@host:port, too.
                        postgres://USER@HOST/DB      a connection string, with ?schema=NAME
                                                     Options behind a question mark: docs/moving.md
  --application NAME  the gate's option "application"; needed where the source can't tell, or has several
  --group NAME        the gate's option "group"; ${gateDefaults.group} if not given
  --keys FILE         the ledger's key file. It is read where the source's engine is given its keys and
                      keeps none, and written (mode 0600, never over another) where only the target's is

Prints one line of JSON: entries, blocks, root, values, verified, origin, verifierKey, application, group.
`;

/** `slackwater copy`: carries a ledger from one engine to another. */
export const copyCommand: Command = {
  summary: 'carries a ledger to another engine, with its proofs',
  help,
  async run(args, { stdout, stderr, clock }) {
    const options = readOptions('copy', args, ['from', 'to', 'application', 'group', 'keys']);
    if (options.from === undefined) throw usage('copy', '--from is missing');
    if (options.to === undefined) throw usage('copy', '--to is missing');
    const from = placeOf('from', options.from);
    const to = placeOf('to', options.to);
    if (from.shown === to.shown) throw usage('copy', `--from and --to are the same: ${from.shown}`);
    const ledger = ledgerOf('copy', from, options);
    const onTheirWay = { from, to, ledger, file: options.keys };
    const keys = await sourceKeys(onTheirWay, clock);
    const progress = showProgress(stderr, clock);
    const onTrouble = (doing: string, error: unknown): void =>
      progress.say(`${doing}: ${error instanceof Error ? error.message : String(error)}`);
    const owner = { ...ledger, clock, onTrouble };
    const copied = await withOpen(from, keys, owner, (source) =>
      withOpen(to, keys, owner, (target) =>
        copyLedger({
          ...owner,
          source,
          target,
          keys,
          placeKeys: () => placeKeys(onTheirWay, target, keys),
          progress,
        }),
      ),
    ).finally(() => progress.end());
    const advice = adviceOnKeys(onTheirWay);
    if (advice !== undefined) stderr.write(`${advice}\n`);
    stdout.write(`${JSON.stringify({ ...copied, verified: true, ...ledger })}\n`);
  },
};
