/** `npm run reference`: writes the pages of the reference from what was built. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readTree, root } from '../tree.ts';
import { folder, referencePages } from './reference.ts';

const pages = referencePages(readTree());
rmSync(`${root}${folder}`, { recursive: true, force: true });
mkdirSync(`${root}${folder}`, { recursive: true });
for (const { path, text } of pages) writeFileSync(`${root}${path}`, text);
process.stdout.write(`${pages.length} pages are in ${folder}.\n`);
