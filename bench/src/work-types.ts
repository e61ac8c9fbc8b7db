import { type SlackwaterOptions, sqliteEngine } from '@slackwater/middleware';

/** The partition that the measured routes commit to. */
export const partition = 'orders';

/** A gate as somebody would set it up: work types, routes, deferring. Orders are what is measured. */
export function usualOptions(directory: string, thresholdMs = 100): SlackwaterOptions {
  return {
    application: 'bench',
    workTypes: {
      pay: { priority: 1, exempt: true },
      order: { priority: 2, thresholdMs, whenOver: 'defer', deferWithoutAsking: true },
      report: { priority: 3, thresholdMs: 60, whenOver: 'retry-later' },
    },
    routes: {
      'POST /payments/:id/settle': { workType: 'pay', partition },
      'POST /orders/:id/notes': { workType: 'order', partition },
      'POST /orders': { workType: 'order', partition },
      'POST /reports': { workType: 'report', partition },
    },
    requester: (req) => req.get('x-customer'),
    engine: sqliteEngine({ directory }),
    // What is measured once must not expire while the rest is.
    latency: { maxSampleAgeMs: 600_000 },
  };
}
