import type { GateWarning } from './gate-events.ts';

const docs = 'docs/reference/errors.md#warnings';

/** Makes the function that warns, once for each code: as a warning of the process, and to `tell`. */
export function warnOnce(
  tell: (warning: GateWarning) => void,
): (code: GateWarning['code'], message: string) => void {
  const warned = new Set<string>();
  return (code, message) => {
    if (warned.has(code)) return;
    warned.add(code);
    tell({ code, message, docs });
    process.emitWarning(message, { type: 'SlackwaterWarning', code, detail: `See ${docs}.` });
  };
}
