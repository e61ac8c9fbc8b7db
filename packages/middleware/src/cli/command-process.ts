import { MessageChannel } from 'node:worker_threads';
import { systemClock } from '../clock.ts';
import { runCommand } from './run-command.ts';

// Node calls its SQLite experimental. Whoever reads the progress of a copy can do nothing about that.
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (warning.name !== 'ExperimentalWarning') process.stderr.write(`${warning.name}: ${warning.message}\n`);
});

// The clock's timers and an idle engine keep no process; a command that waits for either, as rotating and erasing do, must not end at that.
const { port1: untilDone } = new MessageChannel();
untilDone.on('message', () => {});
try {
  process.exitCode = await runCommand(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    clock: systemClock,
  });
} finally {
  untilDone.close();
}
