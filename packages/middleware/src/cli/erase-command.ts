import { ownMethods } from '@slackwater/shared';
import type { Ledger } from '../ledger/open-ledger.ts';
import { eraseRequester } from '../perform/erase-requester.ts';
import { atPlace, placeHelp, placeOptions, withLedger } from './at-place.ts';
import type { Command } from './command.ts';
import { CommandFailed } from './failures.ts';
import { readOptions, usage } from './read-options.ts';

const help = `Usage: slackwater erase --ledger URL --requester NAME --purpose TEXT [--by NAME] [--wait SECONDS]
                        [--application NAME] [--group NAME] [--keys FILE]

Erases a requester: settles what is pending for it, destroys the key that everything recorded for it is
encrypted with, and records that in the ledger. What was recorded can then be read by nobody; proofs,
receipts and blocks stay valid. It can't be undone. The application may be running.

What waits is canceled. What is being performed is waited for; what was tried before can be canceled
by the application alone, which looks for such work every ten seconds. Run the command again to learn
whether that is done; it goes on where it was.

  --requester NAME    as the gate's option "requester" gives it
  --purpose TEXT      what for, such as the number of a request. It stands in the ledger: no names
  --by NAME           who asked for it, for the record; operator if not given
  --wait SECONDS      how long what is pending is waited for; 60 if not given
${placeHelp}
Prints one line of JSON: status (erased, or nothing-kept where there is nothing under that name), requester
(the pseudonym that its entries have). Ends with 1 where something of it is still pending.
`;

const mostCharacters = 500;

/** `slackwater erase`: erases a requester. */
export const eraseCommand: Command = {
  summary: 'erases a requester: destroys the key of all that was recorded for it',
  help,
  async run(args, { stdout, clock }) {
    const options = readOptions('erase', args, [...placeOptions, 'requester', 'purpose', 'by', 'wait']);
    const { requester, purpose, by = 'operator' } = options;
    if (requester === undefined) throw usage('erase', '--requester is missing');
    if (purpose === undefined) throw usage('erase', '--purpose is missing');
    if (Math.max(purpose.length, by.length) > mostCharacters) {
      throw usage('erase', `--purpose and --by have up to ${mostCharacters} characters each`);
    }
    const waitMs = secondsOf(options.wait ?? '60') * 1_000;
    const at = await atPlace('erase', options);
    const result = await withLedger(at, clock, async (ledger) => {
      const erasure = await ledger.erasures.begin(requester, { by: `command:${by}`, purpose });
      if (erasure === undefined) return { status: 'nothing-kept' } as const;
      const cancel = (id: string) => cancelUntried(ledger, id);
      return eraseRequester(
        { ledger, cancel, clock },
        erasure,
        Math.max(waitMs, ledger.erasures.quietAfterMs + 1),
      );
    });
    if (result.status === 'pending') {
      throw new CommandFailed(
        `nothing more is accepted for ${result.requester}, and its key is not destroyed yet: deferrals that are being performed, were tried before, or have to be undone: ` +
          `${result.unsettled}. The application settles them and then finishes it; run the command again to learn whether it has`,
      );
    }
    stdout.write(`${JSON.stringify(result)}\n`);
  },
};

/**
 * Without the application's database only what was never tried is known to be undone; and without its handlers nothing can be undone whose
 * success was told.
 */
async function cancelUntried(ledger: Ledger, id: string): Promise<'canceled' | 'not-cancelable'> {
  const deferral = await ledger.find(id);
  if (deferral?.acknowledged === true || deferral?.method === ownMethods.compensation)
    return 'not-cancelable';
  const error = {
    code: 'requester-erased',
    message: 'Its requester was erased before it was performed.',
  } as const;
  return (await ledger.step(id, { type: 'canceled', error })) === undefined ? 'not-cancelable' : 'canceled';
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= 86_400) return seconds;
  throw usage('erase', `--wait ${JSON.stringify(text)}: give whole seconds, up to 86400`);
}
