import { writeSync } from 'node:fs';
import { systemClock } from '../../../../../packages/middleware/dist/clock.js';
import { sqliteEngine } from '../../../../../packages/middleware/dist/engines/sqlite/sqlite-engine.js';

/**
 * Writes until it is killed: appends, puts and enqueues, several at a time. Of each it says so on its standard
 * output when, and only when, it was acknowledged. Arguments: directory, own name.
 */
const [directory = '', who = ''] = process.argv.slice(2);
const engine = sqliteEngine({ directory });
const open = await engine.open({ application: 'shop', group: 'main', clock: systemClock });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Written when it returns; a pipe that its reader is slow to empty is waited for. */
function say(line: string): void {
  const text = Buffer.from(`${line}\n`);
  for (let at = 0; at < text.length; ) {
    try {
      at += writeSync(1, text, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

await open.keyFile(() => bytes(`{"made by":"${who}"}`));
let count = 0;

async function write(): Promise<void> {
  while (true) {
    const name = `${who}-${count++}`;
    const { first } = await open.log.append([bytes(name), bytes(`${name}+`)]);
    say(`append ${name} ${first}`);
    await open.store.put(name, bytes(name));
    say(`put ${name}`);
    await open.queue.enqueue({ id: name, partition: who, priority: 1, position: first });
    say(`enqueue ${name}`);
  }
}

await Promise.all(Array.from({ length: 8 }, write));
