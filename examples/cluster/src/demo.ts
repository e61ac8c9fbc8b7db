/** `npm run demo:cluster`: see `demo/help.ts` for what can be asked for. */
import { runProgram } from '@slackwater/example-shop/demo/program';
import { help } from './demo/help.ts';
import { keepOpen } from './demo/keep-open.ts';
import { runDemo } from './demo/run.ts';

await runProgram({ script: 'demo:cluster', help, play: runDemo, serve: keepOpen });
