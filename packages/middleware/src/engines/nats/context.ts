import type { Clock } from '../../clock.ts';
import type { Api } from './api.ts';
import type { Connection } from './connection.ts';
import type { Names } from './names.ts';

/** What log, store and queue of one scope work with. */
export interface NatsContext {
  readonly connection: Connection;
  readonly api: Api;
  readonly names: Names;
  readonly clock: Clock;
  readonly onTrouble: (doing: string, error: unknown) => void;
}
