import { fileURLToPath, pathToFileURL } from 'node:url';

const hook = fileURLToPath(new URL('resolve-bundled.mjs', import.meta.url));

/** What the processes that a suite starts are told, so that they load the built packages rolled into few files. */
export const bundledEnvironment = { NODE_OPTIONS: `--import=${pathToFileURL(hook).href}` };
