import type { Engine } from '../engines/engine.ts';
import { OptionInvalidError } from './option-error.ts';
import type { Read } from './read-group.ts';

/** What an engine's factory gave; an engine's own options are checked there. */
export const readEngine: Read<Engine> = (value, option) => {
  if (isEngine(value)) return value;
  throw new OptionInvalidError(option, value, "give an engine, sqliteEngine({ directory: '.slackwater' })");
};

function isEngine(value: unknown): value is Engine {
  try {
    if (typeof value !== 'object' || value === null) return false;
    const { name, durable, open } = value as Partial<Record<keyof Engine, unknown>>;
    return (
      typeof name === 'string' && (durable === 'fsync' || durable === 'quorum') && typeof open === 'function'
    );
  } catch {
    return false;
  }
}
