#!/usr/bin/env node
import { systemClock } from '../clock.ts';
import { runCommand } from './run-command.ts';

// Node calls its SQLite experimental. Whoever reads the progress of a copy can do nothing about that.
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (warning.name !== 'ExperimentalWarning') process.stderr.write(`${warning.name}: ${warning.message}\n`);
});

process.exitCode = await runCommand(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  clock: systemClock,
});
