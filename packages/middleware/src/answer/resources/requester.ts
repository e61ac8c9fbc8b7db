import { createProblem, headerNames } from '@slackwater/shared';
import { sendJson, sendNotFound, sendProblem } from '../send.ts';
import { bearerOf, hasScope } from './access.ts';
import type { Exchange } from './exchange.ts';
import { resourceLimits } from './limits.ts';

/**
 * `DELETE /requesters/:requester?purpose=...`: erases a requester in every resource group, for administrators. 200 when that is done or
 * there is nothing under the name, 202 while something of it is still being performed; then it goes on by itself, and may be
 * asked for again.
 */
export async function deleteRequester(exchange: Exchange): Promise<void> {
  const { parts, params, query, res } = exchange;
  const { records } = parts;
  const requester = params['requester'] ?? '';
  if (!hasScope(exchange, 'admin') || records === undefined) return sendNotFound(res);
  const [purpose = '', another] = query.getAll('purpose');
  const { purposeCharacters, requesterCharacters, eraseMs, troubleRetryMs } = resourceLimits;
  if (purpose === '' || purpose.length > purposeCharacters || another !== undefined) {
    const detail = `purpose: say once, in 1 to ${purposeCharacters} characters and without a name, what for; it stands in the ledger.`;
    return sendProblem(res, createProblem('parameter-invalid', detail));
  }
  if (requester.length > requesterCharacters) return sendNotFound(res);
  const asked = { by: bearerOf(exchange), purpose };
  const groups = await Promise.all(
    records.map(async ({ home, erase }) => {
      return { group: home.group, ...(await erase(requester, asked, eraseMs)) };
    }),
  );
  const status = order.find((candidate) => groups.some((one) => one.status === candidate)) ?? 'nothing-kept';
  const headers =
    status === 'pending' ? { [headerNames.retryAfter]: String(Math.ceil(troubleRetryMs / 1_000)) } : {};
  sendJson(res, status === 'pending' ? 202 : 200, headers, { status, groups });
}

/** What is said of several groups: the first of these that is true of one of them. */
const order = ['pending', 'erased'] as const;
