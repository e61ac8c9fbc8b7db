import { ParameterError } from '@slackwater/shared';
import { eventNames, type GateEvents, type GateWarning } from './gate-events.ts';
import { quoted, said } from './said.ts';

/** How a gate is heard. */
export interface GateVoice {
  /** Returns how to end it. Throws `parameter-invalid` for what is no event, or no function. */
  on<Name extends keyof GateEvents>(name: Name, listener: (event: GateEvents[Name]) => void): () => void;
  tell<Name extends keyof GateEvents>(name: Name, event: GateEvents[Name]): void;
  /** Whether anybody listens to it. */
  isHeard(name: keyof GateEvents): boolean;
  /** Warns, once for each code: those who listen, and as a warning of the process. */
  warn(code: GateWarning['code'], message: string): void;
  /** Tells of trouble that requests and deferrals survive, of one resource group where one is named. */
  trouble(doing: string, error: unknown, group?: string): void;
}

const docs = 'docs/reference/errors.md#warnings';

/** Makes the place where listeners meet what is told. */
export function gateVoice(): GateVoice {
  const listeners = new Map<keyof GateEvents, Set<(event: never) => void>>();
  const warned = new Set<string>();

  function tell<Name extends keyof GateEvents>(name: Name, event: GateEvents[Name]): void {
    for (const listener of listeners.get(name) ?? []) {
      try {
        const made: unknown = (listener as (event: unknown) => unknown)(event);
        // Nobody waits for it; without this, what it rejects with would end the process.
        if (made instanceof Promise) made.catch(() => {});
      } catch {
        // What a listener makes of it is not the gate's: it has happened.
      }
    }
  }

  return {
    tell,
    isHeard: (name) => (listeners.get(name)?.size ?? 0) > 0,
    on(name, listener) {
      checkListener(name, listener);
      const own = listeners.get(name) ?? new Set();
      listeners.set(name, own.add(listener));
      return () => void own.delete(listener);
    },
    warn(code, message) {
      if (warned.has(code)) return;
      warned.add(code);
      tell('warning', { code, message, docs });
      process.emitWarning(message, { type: 'SlackwaterWarning', code, detail: `See ${docs}.` });
    },
    trouble: (doing, error, group) =>
      tell('trouble', { doing, error, ...(group === undefined ? {} : { group }) }),
  };
}

function checkListener(name: unknown, listener: unknown): void {
  if (!eventNames.some((known) => known === name)) {
    throw new ParameterError(`There is no event ${quoted(String(name))}; there are ${eventNames.join(', ')}`);
  }
  if (typeof listener !== 'function') {
    throw new ParameterError(`A listener of ${String(name)} must be a function; ${said(listener)}`);
  }
}
