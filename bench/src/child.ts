import { fork } from 'node:child_process';
import { pinned } from './pinned.ts';

/** What a child process can be asked. */
type Calls<Of> = { readonly [Name in keyof Of]: (...args: never[]) => Promise<unknown> };

/** A process of our own that answers calls. */
export interface Child<Of extends Calls<Of>> {
  ask<Name extends keyof Of & string>(
    name: Name,
    ...args: Parameters<Of[Name]>
  ): Promise<Awaited<ReturnType<Of[Name]>>>;
  /** Ends it; resolves when it is gone. */
  end(): Promise<void>;
}

interface Question {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: unknown;
}

/**
 * Starts a script as a process of its own; it must call {@link answerCalls}. `argument` is what that hands on; `core` the one core that it runs
 * on, if it is given.
 */
export function startChild<Of extends Calls<Of>>(script: URL, argument: unknown, core?: 0 | 1): Child<Of> {
  const place = core === undefined ? {} : pinned(core);
  const child = fork(script, [JSON.stringify(argument)], { serialization: 'advanced', ...place });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  let asked = 0;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.on('message', (message) => {
    const { id, value, error } = message as Reply;
    const asking = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asking?.resolve(value);
    else asking?.reject(error);
  });
  child.once('exit', (code, signal) => {
    for (const asking of waiting.values())
      asking.reject(new Error(`${script.pathname} ended: ${signal ?? code}`));
    waiting.clear();
  });

  async function ask(name: string, ...args: readonly unknown[]): Promise<unknown> {
    const question: Question = { id: asked++, name, args };
    return new Promise((resolve, reject) => {
      waiting.set(question.id, { resolve, reject });
      child.send(question, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  return {
    ask: ask as Child<Of>['ask'],
    async end() {
      if (child.connected) child.disconnect();
      await gone;
    },
  };
}

/** In the child: answers the calls of whoever started it, and ends with it. */
export async function answerCalls<Of extends Calls<Of>>(
  make: (argument: never) => Of | Promise<Of>,
): Promise<void> {
  // A Ctrl-C is the parent's affair; with it this process ends too.
  process.on('SIGINT', () => {});
  process.on('disconnect', () => process.exit());
  const made = Promise.resolve(make(JSON.parse(process.argv[2] ?? 'null') as never));
  // A call that is waiting for it says what went wrong.
  made.catch(() => {});
  process.on('message', (message) => {
    const { id, name, args } = message as Question;
    made
      .then((calls) => calls[name as keyof Of](...(args as never[])))
      .then(
        (value) => process.send?.({ id, value } satisfies Reply),
        (error: unknown) => process.send?.({ id, error } satisfies Reply),
      );
  });
  await made;
}
