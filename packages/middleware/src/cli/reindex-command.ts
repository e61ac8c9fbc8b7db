import { resolve } from 'node:path';
import { openAuditIndex } from '../audit/index/audit-index.ts';
import { indexPath } from '../audit/index/index-path.ts';
import { readIdentity } from '../ledger/identity.ts';
import { gateDefaults } from '../options/options.ts';
import type { Command } from './command.ts';
import { CommandFailed, NotVerified } from './failures.ts';
import { placeOf } from './places.ts';
import { showProgress } from './progress.ts';
import { readOptions, usage } from './read-options.ts';
import { readSecret } from './secret-file.ts';
import { ledgerOf, withOpen } from './which-ledger.ts';

const help = `Usage: slackwater reindex --ledger URL [--directory DIR] [--application NAME] [--group NAME] [--keys FILE]

Makes the index for audits again from the ledger, from its first entry on. It is never needed: an index that is
damaged, deleted, or of another ledger is made again by itself. It is of use to have it made before a host starts.

The application may go on meanwhile. Until the index has come to the ledger's end its hosts answer lists and counts
with 503, as after every such loss. The ledger itself is only read.

  --ledger URL        where the ledger is, as for copy: sqlite:DIRECTORY, nats:HOST:PORT,..., postgres://USER@HOST/DB
  --directory DIR     where the index is: the gate's option "ledger.indexDirectory". Needed where the engine keeps no
                      files on this host; without it beside the ledger
  --application NAME  the gate's option "application"; needed where the source can't tell, or has several
  --group NAME        the gate's option "group"; ${gateDefaults.group} if not given
  --keys FILE         the ledger's key file, where the engine is given its keys

Prints one line of JSON: file, entries, deferrals, corrupt, unreadable, bytes, seconds, application, group. Ends with 3 where
entries are unreadable: somebody changed the ledger.
`;

/** `slackwater reindex`: makes the index for audits again. */
export const reindexCommand: Command = {
  summary: 'makes the index for audits again from a ledger',
  help,
  async run(args, { stdout, stderr, clock }) {
    const options = readOptions('reindex', args, ['ledger', 'directory', 'application', 'group', 'keys']);
    if (options.ledger === undefined) throw usage('reindex', '--ledger is missing');
    const place = placeOf('ledger', options.ledger);
    const ledger = ledgerOf('reindex', place, options);
    if (place.keyFile === undefined && options.keys === undefined) {
      throw usage('reindex', `--keys is missing; ${place.shown} keeps no keys`);
    }
    const keys = options.keys === undefined ? new Uint8Array(0) : await readSecret(options.keys);
    const progress = showProgress(stderr, clock);
    const onTrouble = (doing: string, error: unknown): void =>
      progress.say(`${doing}: ${error instanceof Error ? error.message : String(error)}`);
    const made = await withOpen(place, keys, { ...ledger, clock, onTrouble }, async (engine) => {
      const directory = options.directory ?? engine.localDirectory;
      if (directory === undefined) throw usage('reindex', `--directory is missing; ${place.shown} has none`);
      const identity = await readIdentity(engine.store);
      if (identity === undefined) throw new CommandFailed(`${place.shown} holds no ledger of that name`);
      const file = indexPath(resolve(directory), ledger.application, ledger.group);
      const startedAt = clock.now();
      const index = openAuditIndex({
        log: engine.log,
        clock,
        path: file,
        ledger: `${identity.origin} ${identity.fingerprint}`,
        startOver: true,
        onProgress: (done, of) => progress.report('reading entries', done, of),
      });
      try {
        const { newest, ...state } = await index.catchUp();
        return { file, ...state, seconds: Math.round((clock.now() - startedAt) / 100) / 10 };
      } finally {
        await index.close();
      }
    }).finally(() => progress.end());
    stdout.write(`${JSON.stringify({ ...made, ...ledger })}\n`);
    if (made.unreadable > 0) {
      throw new NotVerified(
        `${made.unreadable} entries are unreadable: verify the ledger, somebody changed it`,
      );
    }
  },
};
