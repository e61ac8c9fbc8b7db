#!/usr/bin/env node
import { refusalOfNode } from './node-version.ts';

const refusal = refusalOfNode(process.versions.node);
if (refusal === undefined) {
  // Only now: on a Node that has no SQLite, loading what the commands need ends with a stack trace.
  await import('./command-process.ts');
} else {
  process.stderr.write(`slackwater: ${refusal}\n`);
  process.exitCode = 1;
}
