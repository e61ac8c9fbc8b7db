import { fstatSync } from 'node:fs';
import { createKeyFile, isOrigin, parseKeyFile } from '../ledger/keys.ts';
import { openSigner } from '../ledger/signer.ts';
import { gateDefaults } from '../options/options.ts';
import type { Command } from './command.ts';
import { rotateKeys } from './keys-rotate.ts';
import { checkedName } from './names.ts';
import { readOptions, usage } from './read-options.ts';
import { writeSecret } from './secret-file.ts';

const help = `Usage: slackwater keys --application NAME [--group NAME] [--origin NAME] [--out FILE]
       slackwater keys rotate --ledger URL [--signing] [--drop-old] [--by NAME] [--application NAME] [--group NAME] [--keys FILE]
       slackwater keys rotate --keys FILE --out FILE [--signing | --drop-old]

Makes the keys of a new ledger: what signs its checkpoints, encrypts what is recorded, and finds it
again. Engines that several hosts share are given them and make none; give all hosts the same.
Whoever has them can read the ledger and sign in its name, and without them nothing recorded can be
read: keep them with your secrets, and in a backup apart from the ledger.

  --application NAME  the gate's option "application"
  --group NAME        the gate's option "group"; ${gateDefaults.group} if not given
  --origin NAME       name of the log in its checkpoints, such as ledger.example.com/payments;
                      made from application, group and key if not given
  --out FILE          where to write them, readable by you alone (mode 0600); never overwrites.
                      Without it they go to standard output

keys rotate puts a new version of the key-encryption key in force and wraps every requester's key under
it; no record is written again, and the application may go on. Where all hosts are given the key file, write
one with a further version first (--keys FILE --out FILE), give it to all hosts, and then rotate the ledger.
--drop-old takes older versions out of the key file: older copies of the wrapped keys are then worth nothing.
--signing does the same with the key that signs: the old key signs that the new one takes over, so that whoever
knows the first verifier key can walk to the new one; with --drop-old older private keys are forgotten.
docs/keys.md has the steps.

Prints the key file, or with --out one line of JSON: file, origin, verifierKey, fingerprint. The
verifier key is public: auditors and callers check receipts with it.
`;

/** `slackwater keys`: makes a key file. */
export const keysCommand: Command = {
  summary: 'makes the keys of a ledger on an engine that several hosts share',
  help,
  async run(args, surroundings) {
    if (args[0] === 'rotate') return rotateKeys(args.slice(1), surroundings);
    const { stdout, stderr } = surroundings;
    const options = readOptions('keys', args, ['application', 'group', 'origin', 'out']);
    if (options.application === undefined) throw usage('keys', '--application is missing');
    const application = checkedName('keys', 'application', options.application);
    const group = checkedName('keys', 'group', options.group ?? gateDefaults.group);
    const { origin, out } = options;
    if (origin !== undefined && !isOrigin(origin)) {
      const advice = 'give 1 to 255 characters without blanks and plus signs, such as shop.example/ledger';
      throw usage('keys', `--origin ${JSON.stringify(origin)}: ${advice}`);
    }
    const bytes = createKeyFile({ application, group, origin });
    const { verifierKey, fingerprint, ...made } = describe(bytes);
    if (out === undefined) {
      stdout.write(`${Buffer.from(bytes).toString('utf8')}\n`);
      stderr.write(`origin ${made.origin}\nverifier key (public) ${verifierKey}\n`);
      const mode = openMode();
      if (mode !== undefined) {
        stderr.write(
          `others may read the file that this went to (mode ${mode}): chmod 600 it, or use --out\n`,
        );
      }
      return;
    }
    await writeSecret(out, bytes);
    stdout.write(`${JSON.stringify({ file: out, origin: made.origin, verifierKey, fingerprint })}\n`);
  },
};

function describe(bytes: Uint8Array): { origin: string; verifierKey: string; fingerprint: string } {
  const keys = parseKeyFile(bytes);
  return { origin: keys.origin, verifierKey: openSigner(keys).verifierKey, fingerprint: keys.fingerprint };
}

/** The mode of the file that standard output goes to, where others than its owner may read it. */
function openMode(): string | undefined {
  if (process.platform === 'win32') return undefined;
  const stats = fstatSync(1);
  return stats.isFile() && (stats.mode & 0o077) !== 0 ? (stats.mode & 0o777).toString(8) : undefined;
}
