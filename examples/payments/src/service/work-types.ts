import type { WorkTypeOptions } from '@slackwater/middleware';

/**
 * What matters how much. That a customer's purchase begins, and that its funds are reserved or given back, is never held back. What comes after it can
 * wait, the last step first: an answer that is not taken now is sent again, a settlement that is not sent now stays on the queue.
 */
export const workTypes = {
  authorize: { priority: 1, exempt: true },
  'receive-settlement': { priority: 2, thresholdMs: 120, whenOver: 'defer' },
  'send-settlement': { priority: 3, thresholdMs: 90 },
  'receive-response': { priority: 4, thresholdMs: 60 },
} as const satisfies Record<string, WorkTypeOptions>;
