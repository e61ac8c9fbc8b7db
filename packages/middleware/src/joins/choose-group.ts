import type { Request } from 'express';
import { asked } from '../answer/asked.ts';
import type { NoGroup, Recorder, Recorders } from '../answer/gate-parts.ts';
import { isPromise } from '../answer/maybe-async.ts';
import { systemClock as clock } from '../clock.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import type { ResolvedOptions } from '../options/resolved.ts';

/**
 * Makes the function that says which of the recorders a request belongs to. What `groupFor` can't tell is told as trouble and
 * guessed by nobody: another group may be another country.
 */
export function groupChooser(
  { groupFor, defaultGroup }: Pick<ResolvedOptions, 'groupFor' | 'defaultGroup'>,
  recorders: ReadonlyMap<string, Recorder>,
  { warn, trouble }: Pick<GateVoice, 'warn' | 'trouble'>,
): Recorders['of'] {
  function failed(error: unknown, why: NoGroup): NoGroup {
    trouble('asking the option groupFor', error);
    warn('group-unknown', unknownMessage);
    return why;
  }

  function named(given: unknown): Recorder | NoGroup {
    const name = given ?? defaultGroup;
    const found = typeof name === 'string' ? recorders.get(name) : undefined;
    if (found !== undefined) return found;
    const there = `there are ${[...recorders.keys()].join(', ')}`;
    const said = typeof name === 'string' ? JSON.stringify(name.slice(0, 60)) : `${typeof name}`;
    return failed(new RangeError(`${said} is no resource group; ${there}`), 'group-unknown');
  }

  // Of most gates there is one, and nobody has to be asked.
  const fixed = typeof groupFor === 'function' ? undefined : named(groupFor);
  if (fixed !== undefined) return () => fixed;
  const ask = groupFor as (req: Request) => unknown;
  return (req) => {
    try {
      const given = ask(req);
      if (!isPromise(given)) return named(given);
      return asked(clock, 'groupFor', () => given).then(named, (error: unknown) =>
        failed(error, 'option-function-failed'),
      );
    } catch (error) {
      return failed(error, 'option-function-failed');
    }
  };
}

const unknownMessage =
  'The option groupFor threw, took longer than 5 s, or named a group that does not exist: such requests are not deferred. The event trouble has each case.';
