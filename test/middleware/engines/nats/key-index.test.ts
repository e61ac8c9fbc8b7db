import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type NatsServer, startNats } from '@slackwater/test-support/nats';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { type Api, openApi } from '../../../../packages/middleware/src/engines/nats/api.ts';
import { connect } from '../../../../packages/middleware/src/engines/nats/connection.ts';
import { namesOf } from '../../../../packages/middleware/src/engines/nats/names.ts';
import { natsEngine } from '../../../../packages/middleware/src/engines/nats/nats-engine.ts';
import { openNatsStore } from '../../../../packages/middleware/src/engines/nats/nats-store.ts';
import { createKeyFile } from '../../../../packages/middleware/src/ledger/keys.ts';
import { bytes, scope } from '../../../contracts/engine-under-test.ts';
import { deleteStreams } from './place.ts';

const keys = createKeyFile(scope);
let server: NatsServer;
let directory: string;
let troubles: string[];

beforeAll(async () => {
  server = await startNats();
});

beforeEach(() => {
  troubles = [];
  directory = mkdtempSync(join(tmpdir(), 'slackwater-index-'));
});

afterEach(async () => {
  await deleteStreams(server.servers, 'slackwater');
  rmSync(directory, { recursive: true, force: true });
});

afterAll(async () => {
  await server.stop();
});

async function withEngine(
  work: (engine: OpenEngine) => Promise<void>,
  indexDirectory = directory,
): Promise<void> {
  const engine = await natsEngine({ servers: server.servers, keys, indexDirectory }).open({
    ...scope,
    clock: systemClock,
    onTrouble: (doing) => troubles.push(doing),
  });
  try {
    await work(engine);
  } finally {
    await engine.close();
  }
}

const listed = async ({ store }: OpenEngine): Promise<string[]> =>
  (await store.list('a/', { limit: 100 })).map(({ key }) => key);

const indexFile = (): string =>
  join(directory, readdirSync(directory).find((name) => name.endsWith('.index')) ?? '');

describe('the index of keys in a directory', () => {
  it('goes on from where the last process left it, with what changed meanwhile', async () => {
    await withEngine(async (engine) => {
      for (const key of ['a/1', 'a/2', 'a/3']) await engine.store.put(key, bytes('x'));
      expect(await listed(engine)).toEqual(['a/1', 'a/2', 'a/3']);
    });
    const file = new DatabaseSync(indexFile());
    expect(file.prepare('SELECT count(*) AS n FROM key').get()).toEqual({ n: 3 });
    // Only who goes on from here does not find this key.
    file.prepare("DELETE FROM key WHERE name = 'a/1'").run();
    file.close();
    await withEngine(
      async ({ store }) => {
        await store.put('a/4', bytes('x'));
        await store.delete('a/2');
      },
      mkdtempSync(join(directory, 'other-')),
    );
    await withEngine(async (engine) => expect(await listed(engine)).toEqual(['a/3', 'a/4']));
  });

  it.each([
    {
      what: 'is damaged',
      harm: (file: string) => writeFileSync(file, 'no database at all, but long enough to look'),
    },
    { what: 'is of another stream', harm: (file: string) => run(file, "UPDATE stream SET created = 'then'") },
    {
      what: 'knows more than the stream has',
      harm: (file: string) => run(file, 'UPDATE followed SET seq = 1000000'),
    },
  ])('is made anew where it $what', async ({ harm }) => {
    await withEngine(async (engine) => {
      await engine.store.put('a/1', bytes('x'));
      expect(await listed(engine)).toEqual(['a/1']);
    });
    run(indexFile(), "INSERT INTO key VALUES ('a/0', 1)");
    harm(indexFile());
    await withEngine(async (engine) => {
      await engine.store.put('a/2', bytes('x'));
      expect(await listed(engine)).toEqual(['a/1', 'a/2']);
    });
    expect(troubles.filter((doing) => doing.includes('index'))).toEqual([]);
  });

  it('is done without, and that is told, where the directory can’t be written', async () => {
    const file = join(directory, 'a-file');
    writeFileSync(file, '');
    await withEngine(async (engine) => {
      await engine.store.put('a/1', bytes('x'));
      expect(await listed(engine)).toEqual(['a/1']);
    }, file);
    expect(troubles.join()).toContain(`opening the index in ${file}; it goes on without`);
  });
});

it('leaves out no key because a leader is behind what the one before had acknowledged', async () => {
  await withEngine(async (engine) => {
    for (const key of ['a/1', 'a/2']) await engine.store.put(key, bytes('x'));
    expect(await listed(engine)).toEqual(['a/1', 'a/2']);
  });
  const connection = await connect({ servers: server.servers, keys: '{}' }, () => {});
  const api = await openApi(connection, systemClock, undefined);
  let questionsBehind = 0;
  const late: Api = {
    ...api,
    last: async (...of) => (questionsBehind > 0 ? undefined : api.last(...of)),
    async newest(of) {
      if (questionsBehind === 0) return api.newest(of);
      questionsBehind -= 1;
      return 0;
    },
  };
  const names = namesOf('slackwater', scope.application, scope.group);
  const context = { connection, api: late, names, clock: systemClock, onTrouble: () => {} };
  const store = await openNatsStore(context, undefined);
  questionsBehind = 2;
  expect((await store.list('a/', { limit: 10 })).map(({ key }) => key)).toEqual(['a/1', 'a/2']);
  store.stop();
  await connection.close();
});

function run(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}
