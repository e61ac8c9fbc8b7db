import type { ServerResponse } from 'node:http';
import { formatDeferredHeader, headerNames } from '@slackwater/shared';
import type { RequestParts } from '../../options/request-slackwater.ts';
import { exposeHeaders } from '../send.ts';

/**
 * Says on the answer, when it leaves, which parts of the request wait and which are done, if it is an answer below 400: of one that
 * is not, no part is ever performed.
 */
export function sayPartsOn(res: ServerResponse, partsOf: () => RequestParts): void {
  const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => ServerResponse;
  const say = (...args: unknown[]): ServerResponse => {
    const status = typeof args[0] === 'number' ? args[0] : res.statusCode;
    if (status < 400 && !res.headersSent) {
      const { deferred, done } = partsOf();
      const [first] = deferred;
      if (first !== undefined) {
        const header = formatDeferredHeader({ id: first.id, portion: 'part', deferred, done });
        res.setHeader(headerNames.deferred, header);
        exposeHeaders(res);
      }
    }
    return writeHead(...args);
  };
  Object.assign(res, { writeHead: say });
}
