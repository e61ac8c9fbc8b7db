import { inTime } from '../../in-time.ts';
import { sendAnswer, sendNotFound } from '../send.ts';
import { hasScope } from './access.ts';
import type { Exchange } from './exchange.ts';
import { resourceLimits } from './limits.ts';

/** `GET /metrics`: the text that Prometheus reads. */
export async function getMetrics(exchange: Exchange): Promise<void> {
  const { parts, res } = exchange;
  const { metrics, clock } = parts;
  if (metrics === undefined) return sendNotFound(res);
  if (!metrics.public && !hasScope(exchange, 'audit:read', 'admin')) return sendNotFound(res);
  const body = await inTime(clock, resourceLimits.askMs, 'Reading metrics', metrics.text());
  sendAnswer(res, 200, {}, { contentType: metrics.contentType, body });
}
