#!/usr/bin/env node
import { runClientCommand } from './run.ts';

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());

process.exitCode = await runClientCommand(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  signal: interrupted.signal,
});
