import { parseEntry } from '@slackwater/shared';
import type { Engine, OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { type Steps, taking } from './steps.ts';

const writes = new Set([
  ...['append', 'appendSealed', 'create', 'put', 'update', 'delete', 'destroy'],
  // Not extend: how often a lease is prolonged depends on how long something takes.
  ...['enqueue', 'settle', 'postpone', 'deadLetter', 'revive', 'remove'],
]);

/**
 * An engine whose writes are steps. Claims are tried again and again: what is a step is that one gave an item. `onOpen` gets what lies
 * below.
 */
export function withEngineSteps(engine: Engine, steps: Steps, onOpen: (opened: OpenEngine) => void): Engine {
  return {
    ...engine,
    async open(options) {
      const opened = await engine.open(options);
      onOpen(opened);
      return {
        ...opened,
        log: stepping('log', opened.log, steps),
        store: stepping('store', opened.store, steps),
        queue: stepping('queue', opened.queue, steps),
        wrappedKeys: stepping('wrappedKeys', opened.wrappedKeys, steps),
      };
    },
  };
}

function stepping<Part extends object>(part: string, given: Part, steps: Steps): Part {
  return new Proxy(given, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]) => {
        const call = async (): Promise<unknown> => Reflect.apply(member, target, args);
        if (name === 'claim' || name === 'claimOne') return claiming(call, steps);
        const isWrite = writes.has(String(name));
        return isWrite ? taking(steps, `${part}.${String(name)}${whatOf(args)}`, call) : call();
      };
    },
  });
}

async function claiming(call: () => Promise<unknown>, steps: Steps): Promise<unknown> {
  const claims = await call();
  if (Array.isArray(claims) ? claims.length > 0 : claims !== undefined) steps.at('after', 'queue.claim');
  return claims;
}

/** Entries by their types, keys by their first part, those of operations by two; identifiers differ from run to run. */
function whatOf([first]: readonly unknown[]): string {
  const parts = typeof first === 'string' ? first.split('/') : [];
  if (parts.length > 0)
    return parts.length > 1 ? ` ${parts.slice(0, parts[0] === 'operation' ? 2 : 1).join('/')}` : '';
  if (!Array.isArray(first)) return '';
  return first.map((entry: Uint8Array) => ` ${parseEntry(entry).type}`).join('');
}
