import { formatIdempotencyKey } from '@slackwater/shared';
import { isAxiosError } from 'axios';
import { createClient, type SlackwaterClient } from '../../client.ts';
import { isClientError } from '../../errors/guards.ts';
import { redact } from '../../errors/redact.ts';
import { fileStore } from '../file-store.ts';
import { helpText } from './help.ts';
import {
  dataOf,
  deadlineMsOf,
  filtersOf,
  headersOf,
  readTyped,
  type Typed,
  TypedWrong,
  textOf,
} from './typed.ts';

/** What a command runs in. */
export interface CommandSurroundings {
  readonly stdin: AsyncIterable<unknown>;
  readonly stdout: { write(text: string | Uint8Array): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Raised when the command is interrupted. */
  readonly signal: AbortSignal;
}

type Run = (typed: Typed, around: CommandSurroundings) => Promise<number>;

const exit = { done: 0, failed: 1, typedWrong: 2, doesNotHold: 3, unfinished: 4 } as const;
const commands: Readonly<Record<string, Run>> = { call, wait, resume: wait, verify, audit };

/** Runs `slackwater-client`. Resolves with its exit code, and never rejects. */
export async function runClientCommand(
  args: readonly string[],
  around: CommandSurroundings,
): Promise<number> {
  try {
    const typed = readTyped(args);
    if (typed.help || typed.command === undefined) {
      around.stdout.write(helpText);
      return typed.help ? exit.done : exit.typedWrong;
    }
    const run = Object.hasOwn(commands, typed.command) ? commands[typed.command] : undefined;
    if (run === undefined) {
      throw new TypedWrong(`there is no ${typed.command}; commands are ${Object.keys(commands).join(', ')}`);
    }
    return await run(typed, around);
  } catch (error) {
    return ended(error, around);
  }
}

async function call(typed: Typed, around: CommandSurroundings): Promise<number> {
  const [method, url] = typed.rest;
  if (method === undefined || url === undefined || !URL.canParse(url)) {
    throw new TypedWrong('call METHOD URL: such as call POST https://shop.example/orders');
  }
  const client = clientOf(typed, around, new URL(url).origin);
  const data = typed.data === undefined ? undefined : await dataOf(typed.data, around.stdin);
  const headers = { ...(typed.key === undefined ? {} : { 'Idempotency-Key': keyOf(typed.key) }) };
  const type = data === undefined ? {} : { 'Content-Type': 'application/json', ...headersOf(typed.header) };
  const config = {
    method,
    url,
    headers: { ...type, ...headers },
    responseType: 'arraybuffer',
    signal: around.signal,
    ...(data === undefined ? {} : { data }),
  } as const;
  if (!typed.begin) return printed(await client.request<Uint8Array>(config), around);
  const poller = await client.begin<Uint8Array>(config);
  const token = String(poller);
  if (token === '') return printed(await poller.pollUntilDone(), around);
  around.stdout.write(`${token}\n`);
  return exit.done;
}

function keyOf(text: string): string {
  try {
    return formatIdempotencyKey(text);
  } catch (error) {
    throw new TypedWrong(`--key: ${messageOf(error)}`);
  }
}

async function wait(typed: Typed, around: CommandSurroundings): Promise<number> {
  const [given = '-'] = typed.rest;
  const known = given === '-' ? (await textOf(around.stdin)).trim() : given;
  const base = typed.base ?? originIn(known);
  if (base === undefined) throw new TypedWrong('--base: say where the application is');
  const poller = clientOf(typed, around, base).deferral<Uint8Array>(known);
  poller.onProgress(({ status, phase }) => around.stderr.write(`${status} (${phase})\n`));
  return printed(await poller.pollUntilDone({ signal: around.signal }), around);
}

async function verify(typed: Typed, around: CommandSurroundings): Promise<number> {
  const [id] = typed.rest;
  if (id === undefined || typed.base === undefined || typed['verifier-key'].length === 0) {
    throw new TypedWrong('verify ID --base URL --verifier-key KEY');
  }
  try {
    const proven = await clientOf(typed, around, typed.base).audit.verify(id);
    around.stdout.write(`${JSON.stringify(proven, null, 2)}\n`);
    return exit.done;
  } catch (error) {
    if (isClientError(error, 'ledger-forked')) {
      around.stdout.write(`${error.before.note}\n${error.after.note}`);
    } else if (isAxiosError(error) || isNoFinding(error)) throw error;
    around.stderr.write(`${messageOf(error)}\n`);
    return isClientError(error, 'parameter-invalid') ? exit.typedWrong : exit.doesNotHold;
  }
}

/** Errors that say nothing for or against a ledger. */
function isNoFinding(error: unknown): boolean {
  return isClientError(error, 'deadline-exceeded') || isClientError(error, 'receipt-store-failed');
}

async function audit(typed: Typed, around: CommandSurroundings): Promise<number> {
  if (typed.base === undefined) throw new TypedWrong('--base: say where the application is');
  const client = clientOf(typed, around, typed.base);
  for await (const deferral of client.audit.deferrals(filtersOf(typed.filter))) {
    around.stdout.write(`${JSON.stringify(deferral)}\n`);
  }
  return exit.done;
}

function clientOf(
  typed: Typed,
  { environment, stderr }: CommandSurroundings,
  baseURL: string,
): SlackwaterClient {
  const { SLACKWATER_TOKEN: token } = environment;
  return createClient({
    baseURL,
    headers: {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...headersOf(typed.header),
    },
    deadlineMs: deadlineMsOf(typed.deadline),
    serverKeepsKeys: typed['keeps-keys'],
    verifierKeys: typed['verifier-key'],
    ...(typed.receipts === undefined ? {} : { receipts: fileStore(typed.receipts) }),
    ...(typed.verbose
      ? { onLog: ({ message, facts }) => void stderr.write(`${message} ${JSON.stringify(facts)}\n`) }
      : {}),
    // Whatever the answer's body is, it is printed as it came.
    axios: { responseType: 'json' },
  });
}

interface Answer {
  readonly status: number;
  readonly data: unknown;
}

function printed({ status, data }: Answer, { stdout, stderr }: CommandSurroundings): number {
  stderr.write(`${status}\n`);
  stdout.write(data instanceof Uint8Array || typeof data === 'string' ? data : JSON.stringify(data));
  return status < 400 ? exit.done : exit.failed;
}

function ended(error: unknown, around: CommandSurroundings): number {
  if (error instanceof TypedWrong) {
    around.stderr.write(`${error.message}\nslackwater-client --help tells more.\n`);
    return exit.typedWrong;
  }
  if (isAxiosError(error) && error.response !== undefined) {
    printed(error.response, around);
    return exit.failed;
  }
  around.stderr.write(`${messageOf(error)}\n`);
  if (!isClientError(error)) return exit.failed;
  if (error.resume !== undefined) around.stderr.write(`slackwater-client resume '${error.resume}'\n`);
  if (error.code === 'parameter-invalid' || error.code.startsWith('option-')) return exit.typedWrong;
  return error.code === 'deadline-exceeded' || error.code === 'aborted' ? exit.unfinished : exit.failed;
}

function messageOf(error: unknown): string {
  return redact(error instanceof Error ? error.message : String(error));
}

/** The origin in a status URL, or in the text of a poller. */
function originIn(known: string): string | undefined {
  const url = /https?:\/\/[^"\s]+/.exec(known)?.[0];
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : undefined;
}
