/** `npm run demo`: see `demo/arguments.ts` for what can be asked for. */
import { help } from './demo/arguments.ts';
import { keepOpen } from './demo/keep-open.ts';
import { runProgram } from './demo/program.ts';
import { runDemo } from './demo/run.ts';

await runProgram({ script: 'demo', help, play: runDemo, serve: keepOpen });
