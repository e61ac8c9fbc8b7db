declare module 'finalhandler' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  /** What Express answers where no handler did. */
  export default function finalhandler(
    req: IncomingMessage,
    res: ServerResponse,
    options?: { env?: string; onerror?: (error: unknown) => void },
  ): (error: unknown) => void;
}
