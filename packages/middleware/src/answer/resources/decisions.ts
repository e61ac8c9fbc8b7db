import { createProblem } from '@slackwater/shared';
import type { DecisionFilter } from '../decision-ring.ts';
import { sendJson, sendNotFound, sendProblem } from '../send.ts';
import { hasScope } from './access.ts';

import type { Exchange } from './exchange.ts';
import { resourceLimits } from './limits.ts';

const names = ['partition', 'workType', 'decision', 'limit'] as const;
const decisions = ['perform', 'retry-later', 'defer'] as const;
const digits = /^[0-9]{1,6}$/;

/** `GET /decisions`: the most recent decisions of this host, the newest first. */
export async function getDecisions(exchange: Exchange): Promise<void> {
  const { parts, res, query } = exchange;
  if (!hasScope(exchange, 'audit:read', 'admin')) return sendNotFound(res);
  const fault = faultOf(query);
  if (fault !== undefined) return sendProblem(res, createProblem('parameter-invalid', fault));
  const decision = decisions.find((one) => one === query.get('decision'));
  const text = (name: 'partition' | 'workType'): DecisionFilter => {
    const value = query.get(name);
    return value === null ? {} : { [name]: value };
  };
  const found = parts.decisions({
    limit: Number(query.get('limit') ?? resourceLimits.pageDefault),
    ...text('partition'),
    ...text('workType'),
    ...(decision === undefined ? {} : { decision }),
  });
  sendJson(res, 200, {}, { decisions: found });
}

/** A filter that is not known is refused: a list that ignored it would lie. */
function faultOf(query: URLSearchParams): string | undefined {
  for (const name of new Set(query.keys())) {
    if (!names.some((known) => known === name)) {
      return `${shown(name)} is no parameter of this list; it takes ${names.join(', ')}.`;
    }
    const [value = '', another] = query.getAll(name);
    if (another !== undefined) return `${name} is given more than once; give one value.`;
    if (name === 'decision' && !decisions.some((known) => known === value)) {
      return `decision: ${shown(value)} is not one of ${decisions.join(', ')}.`;
    }
    if (name === 'limit' && !(digits.test(value) && Number(value) >= 1)) {
      return `limit: ${shown(value)} is not a whole number from 1 to 999999.`;
    }
    if (value === '' || value.length > resourceLimits.filterCharacters) {
      return `${name}: give a text of 1 to ${resourceLimits.filterCharacters} characters.`;
    }
  }
  return undefined;
}

function shown(value: string): string {
  return JSON.stringify(value.slice(0, 100));
}
