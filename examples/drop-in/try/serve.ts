import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** An address book in a process of its own. */
export interface AddressBook {
  /** Where its contacts are. */
  readonly contacts: string;
  stop(): Promise<void>;
}

/** Starts the address book of a folder on that database; resolves when it listens. Rejects with what it complained of. */
export async function serve(folder: string, connectionString: string): Promise<AddressBook> {
  const env = { ...process.env, DATABASE_URL: connectionString, PORT: '0' };
  const child = spawn(process.execPath, [join(folder, 'src/server.ts')], { env });
  const ended = once(child, 'close');
  let said = '';
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  for await (const chunk of child.stdout) {
    said += String(chunk);
    const [contacts] = /http:\S+(?=\n)/.exec(said) ?? [];
    if (contacts !== undefined) {
      child.stdout.resume();
      return {
        contacts,
        async stop() {
          child.kill('SIGKILL');
          await ended;
        },
      };
    }
  }
  throw new Error(`The address book did not start: ${complaints}`);
}
