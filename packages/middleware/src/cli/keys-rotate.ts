import type { Clock } from '../clock.ts';
import type { OpenEngine } from '../engines/engine.ts';
import {
  encodeKeyFile,
  type LedgerKeys,
  makeSigningKey,
  makeWrappingKey,
  parseKeyFile,
  type WrappingKey,
} from '../ledger/keys.ts';
import { openSigner } from '../ledger/signer.ts';
import { type AtPlace, atPlace, placeOptions, withLedger } from './at-place.ts';
import type { Surroundings } from './command.ts';
import { CommandFailed } from './failures.ts';
import { readOptions, usage } from './read-options.ts';
import { readSecret, writeSecret } from './secret-file.ts';

/** Hosts look after so long which version is in force (`keyCacheMs`), and a call that is under way may take a while. */
const hostsFollowMs = 15_000;

/**
 * `slackwater keys rotate`: a new key-encryption key. Where the engine keeps the key file, all at once; where all hosts are given it,
 * first the file with one more version (`--out`), and when all hosts have that, the ledger (`--ledger`).
 */
export async function rotateKeys(args: readonly string[], { stdout, clock }: Surroundings): Promise<void> {
  const dropsOld = args.includes('--drop-old');
  const isSigning = args.includes('--signing');
  const others = args.filter((arg) => arg !== '--drop-old' && arg !== '--signing');
  const options = readOptions('keys', others, [...placeOptions, 'out', 'by']);
  if (options.ledger === undefined) {
    const { keys: file, out } = options;
    if (file === undefined || out === undefined) {
      throw usage('keys', 'give --ledger, or --keys and --out to prepare a key file with one more version');
    }
    const keys = parseKeyFile(await readSecret(file));
    if (isSigning && dropsOld)
      throw usage('keys', '--signing and --drop-old go together with --ledger alone');
    const next = isSigning ? withNextSigning(keys) : dropsOld ? withNewestAlone(keys) : withNext(keys);
    await writeSecret(out, encodeKeyFile(next));
    const made = isSigning
      ? { signingKeys: next.signing.length, verifierKey: openSigner(next).verifierKeys.at(-1) }
      : { version: newestOf(next)[0].version };
    stdout.write(`${JSON.stringify({ file: out, ...made })}\n`);
    return;
  }
  if (options.out !== undefined) throw usage('keys', '--out goes without --ledger');
  const at = await atPlace('keys', options);
  const by = `command:${options.by ?? 'operator'}`;
  const result = isSigning
    ? await rotateSigningAt(at, by, dropsOld, clock)
    : await rotateAt(at, by, dropsOld, clock);
  stdout.write(`${JSON.stringify(result)}\n`);
}

async function rotateAt(
  at: AtPlace,
  by: string,
  dropsOld: boolean,
  clock: Clock,
): Promise<{ readonly version: number; readonly wrapped: number; readonly dropped: readonly number[] }> {
  return withLedger(at, clock, async (ledger, engine) => {
    const replace = engine.replaceKeyFile?.bind(engine);
    if (dropsOld && replace === undefined) {
      throw usage(
        'keys',
        '--drop-old with --ledger is for engines that keep the key file; else give --keys and --out',
      );
    }
    if (replace !== undefined) {
      const keys = await keysOf(engine);
      // A crash after this: the version is there and not in force. The next run makes one more, which does no harm.
      await replace(encodeKeyFile(withNext(keys)));
    }
    const first = await ledger.rotateWrappingKey(by);
    // Until every host knows of it, some may still wrap a new requester's key under the version before.
    await new Promise<void>((resolve) => clock.after(hostsFollowMs, resolve));
    const { version, wrapped } = await ledger.rotateWrappingKey(by);
    const keys = await keysOf(engine);
    const newest = newestOf(keys);
    if (newest[0].version !== version) {
      throw new CommandFailed(
        `version ${version} is in force, and the key file's newest is ${newest[0].version}`,
      );
    }
    if (dropsOld) await replace?.(encodeKeyFile({ ...keys, encryption: newest }));
    const dropped = dropsOld ? keys.encryption.slice(0, -1).map((key) => key.version) : [];
    return { version, wrapped: first.wrapped + wrapped, dropped };
  });
}

/** The next signing key in force; with `dropsOld` the private keys before it are forgotten. */
async function rotateSigningAt(
  at: AtPlace,
  by: string,
  dropsOld: boolean,
  clock: Clock,
): Promise<{ readonly verifierKey: string; readonly signingKey: number }> {
  return withLedger(at, clock, async (ledger, engine) => {
    const replace = engine.replaceKeyFile;
    if (dropsOld && replace === undefined)
      throw usage('keys', '--drop-old is for engines that keep the key file');
    const before = await keysOf(engine);
    // One that a run before this has left there, and not put in force, is taken first.
    if (replace !== undefined && before.signing.length === ledger.signingKey + 1) {
      await replace(encodeKeyFile(withNextSigning(before)));
    }
    const verifierKey = await ledger.rotateSigningKey(by);
    const { signingKey } = ledger;
    if (dropsOld) {
      const keys = await keysOf(engine);
      await replace?.(encodeKeyFile(withoutPrivate(keys, signingKey)));
    }
    return { verifierKey, signingKey };
  });
}

async function keysOf(engine: OpenEngine): Promise<LedgerKeys> {
  const refuse = (): never => {
    throw new CommandFailed('the key file is gone; put it back from its backup');
  };
  return parseKeyFile(await engine.keyFile(refuse));
}

function withNext(keys: LedgerKeys): LedgerKeys {
  const [newest] = newestOf(keys);
  return { ...keys, encryption: [...keys.encryption, makeWrappingKey(newest.version + 1)] };
}

function withNewestAlone(keys: LedgerKeys): LedgerKeys {
  return { ...keys, encryption: newestOf(keys) };
}

function withNextSigning(keys: LedgerKeys): LedgerKeys {
  return { ...keys, signing: [...keys.signing, makeSigningKey()] };
}

function withoutPrivate(keys: LedgerKeys, inForce: number): LedgerKeys {
  const [first, ...others] = keys.signing.map(({ privateKey, publicKey }, number) => ({
    privateKey: number < inForce ? undefined : privateKey,
    publicKey,
  }));
  return first === undefined ? keys : { ...keys, signing: [first, ...others] };
}

function newestOf({ encryption: [first, ...others] }: LedgerKeys): readonly [WrappingKey] {
  return [others.at(-1) ?? first];
}
