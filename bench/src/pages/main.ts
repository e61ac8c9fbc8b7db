/** `npm run bench:pages`: makes pages and pictures anew from the results that were kept. */
import { writePages } from './page-files.ts';

const changed = writePages();
process.stdout.write(changed.length === 0 ? 'nothing changed\n' : `${changed.join('\n')}\n`);
