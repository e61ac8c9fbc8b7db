// Preloaded by processes that a suite starts: what they import of Slackwater comes from the bundle, where there is one.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

function tableOrNone() {
  try {
    return JSON.parse(
      readFileSync(new URL('../../node_modules/.slackwater-bundle/table.json', import.meta.url), 'utf8'),
    );
  } catch {
    return {};
  }
}

const table = tableOrNone();

registerHooks({
  resolve(specifier, context, next) {
    const url = table[specifier];
    return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true };
  },
});
