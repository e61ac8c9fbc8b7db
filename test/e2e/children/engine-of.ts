import { type Engine, sqliteEngine } from '@slackwater/middleware';
import { natsEngine } from '@slackwater/middleware/nats';

/** How a process of a test is told which engine it shares with others; JSON. */
export type EngineSpec =
  | { readonly engine: 'sqlite'; readonly directory: string }
  | {
      readonly engine: 'nats';
      readonly servers: readonly string[];
      readonly prefix: string;
      /** The text of a key file. */
      readonly keys: string;
    };

/** The engine that a process was told of. */
export function engineOf(text: string): Engine {
  const spec = JSON.parse(text) as EngineSpec;
  switch (spec.engine) {
    case 'sqlite':
      return sqliteEngine({ directory: spec.directory });
    case 'nats':
      return natsEngine({ servers: spec.servers, prefix: spec.prefix, keys: spec.keys });
  }
}
