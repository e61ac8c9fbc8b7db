import type pg from 'pg';
import type { Steps } from './steps.ts';

/** What pg calls on a query as it is sent and answered. */
interface Sent {
  readonly text?: unknown;
  submit(connection: unknown): unknown;
  handleReadyForQuery(connection: unknown): void;
}

/** Makes steps of the statements that are sent by `pg`, the driver's own ones too. */
export function stepInDatabase({ Query }: typeof pg, steps: Steps): void {
  const sent = Query.prototype as unknown as Sent;
  const { submit, handleReadyForQuery } = sent;
  sent.submit = function (this: Sent, connection) {
    const name = nameOf(this.text);
    if (name !== undefined) steps.at('before', name);
    return submit.call(this, connection);
  };
  sent.handleReadyForQuery = function (this: Sent, connection) {
    const name = nameOf(this.text);
    if (name !== undefined) steps.at('after', name);
    handleReadyForQuery.call(this, connection);
  };
}

function nameOf(text: unknown): string | undefined {
  const words = String(text).trim();
  if (/^(BEGIN|COMMIT|ROLLBACK)\b/.test(words)) return words;
  const [, verb, table] =
    /^(SELECT|INSERT)\b[\s\S]*?\b(?:FROM|INTO) (slackwater_completions|orders)\b/.exec(words) ?? [];
  return verb === undefined ? undefined : `${verb} ${table}`;
}
