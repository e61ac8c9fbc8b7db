import { gunzipSync } from 'node:zlib';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { base, type Office, office } from './office.ts';
import {
  type Head,
  headIn,
  leafOf,
  openSigned,
  rootByInclusion,
  rootsByConsistency,
  TiledLog,
} from './stranger.ts';

const bytes = (res: request.Response): Buffer => res.body as Buffer;
const ofBinary = (res: NodeJS.ReadableStream, done: (error: null, body: Buffer) => void): void => {
  const chunks: Buffer[] = [];
  res.on('data', (chunk: Buffer) => chunks.push(chunk));
  res.on('end', () => done(null, Buffer.concat(chunks)));
};

let desk: Office;
/** A head that somebody kept from before. */
let early: Head;
let head: Head;

async function currentHead(): Promise<Head> {
  const { text } = await request(desk.app).get(`${base}/ledger/default/checkpoint`).expect(200);
  return headIn(openSigned(text, desk.ledger.verifierKey));
}

const fetched = (path: string, token?: string): request.Test => {
  const get = request(desk.app)
    .get(`${base}/ledger/default/${path}`)
    .buffer(true)
    .parse(ofBinary as never);
  return token === undefined ? get : get.set('Authorization', token);
};

function logOf(size: number, token?: string): TiledLog {
  return new TiledLog(size, async (path) => bytes(await fetched(path, token).expect(200)));
}

beforeAll(async () => {
  desk = await office();
  const accept = (count: number): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, () => desk.accept()));
  await accept(150);
  early = await currentHead();
  await accept(480);
  head = await currentHead();
});
afterAll(() => desk.close());

describe("a stranger's tool", () => {
  it('checks the signature of the checkpoint and makes its root of the hash tiles', async () => {
    expect(head).toMatchObject({ origin: desk.ledger.origin, size: 630 });
    expect(await logOf(head.size).hash(0, head.size)).toEqual(head.root);
    // Tiles of an older head are there as well.
    expect(await logOf(early.size).hash(0, early.size)).toEqual(early.root);
    expect(() => openSigned(`x\n1\nAAAA\n\n\u2014 ${head.origin} AAAA\n`, desk.ledger.verifierKey)).toThrow();
  });

  it('proves that entries are in the ledger, by their bytes (B-51)', async () => {
    const log = logOf(head.size, desk.token());
    for (const index of [0, 1, 255, 256, 511, 512, 629]) {
      const entry = (await log.entries(Math.floor(index / 256)))[index % 256] ?? Buffer.alloc(0);
      expect(JSON.parse(entry.toString('utf8'))).toMatchObject({ type: 'accepted' });
      const proof = await log.inclusion(index);
      expect(rootByInclusion(leafOf(entry), index, head.size, proof)).toEqual(head.root);
      expect(rootByInclusion(leafOf(Buffer.from('another')), index, head.size, proof)).not.toEqual(head.root);
    }
  });

  it('proves that a later ledger is an extension of an earlier one', async () => {
    const proof = await logOf(head.size).consistency(early.size);
    expect(rootsByConsistency(early, head.size, proof)).toEqual([early.root, head.root]);
    const whole = { size: 512, origin: head.origin, root: await logOf(head.size).hash(0, 512) };
    expect(rootsByConsistency(whole, head.size, await logOf(head.size).consistency(512))).toEqual([
      whole.root,
      head.root,
    ]);
  });

  it('finds every entry of the bundles beneath the lowest hash tiles', async () => {
    const log = logOf(head.size, desk.token());
    const entries = (await Promise.all([0, 1, 2].map((index) => log.entries(index)))).flat();
    expect(entries).toHaveLength(630);
    const tiles = await Promise.all(
      ['tile/0/000', 'tile/0/001', 'tile/0/002.p/118'].map((path) => fetched(path)),
    );
    expect(Buffer.concat(entries.map(leafOf))).toEqual(Buffer.concat(tiles.map(bytes)));
  });
});

describe('hash tiles', () => {
  it.each([
    ['tile/0/000', 256],
    ['tile/0/001', 256],
    ['tile/0/002.p/118', 118],
    ['tile/0/002.p/1', 1],
    ['tile/0/000.p/255', 255],
    ['tile/1/000.p/2', 2],
    ['tile/1/000.p/1', 1],
  ])('are served at %s: %d hashes, to be kept by anybody for good', async (path, hashes) => {
    const res = await fetched(path).expect(200).expect('Content-Type', 'application/octet-stream');
    expect(res.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(bytes(res)).toHaveLength(hashes * 32);
    await request(desk.app)
      .head(`${base}/ledger/default/${path}`)
      .expect(200)
      .expect('Content-Length', String(hashes * 32));
  });

  it.each([
    ...['tile/0/002', 'tile/0/002.p/119', 'tile/0/003', 'tile/0/003.p/1', 'tile/1/000', 'tile/1/000.p/3'],
    ...['tile/2/000.p/1', 'tile/6/000.p/1', 'tile/7/000.p/1', 'tile/63/000', 'tile/64/000', 'tile/00/000'],
    ...[
      'tile/0/0',
      'tile/0/00',
      'tile/0/0000',
      'tile/0/x000/000',
      'tile/0/000/000',
      'tile/0/x000',
      'tile/0/000.p/0',
    ],
    ...[
      'tile/0/000.p/256',
      'tile/0/000.p/01',
      'tile/0/000.p/',
      'tile/0/000.p',
      'tile/0/000/',
      'tile//000',
      'tile/0',
      'tile',
    ],
    ...['tile/0/%30%30%30', 'tile/0/..%2F000', 'tile/0/-01', 'tile/0/1e0', `tile/0/${'x999/'.repeat(6)}999`],
    ...[`tile/0/${'x000/'.repeat(20)}000`, 'tile/entries', 'tile/entries/', 'tile/hashes/000'],
  ])('are not there at %s', async (path) => {
    const { text } = await request(desk.app)
      .get(`${base}/ledger/default/${path}`)
      .set('Authorization', desk.token())
      .expect(404);
    expect(JSON.parse(text)).toMatchObject({ code: 'not-found' });
  });
});

describe('entry bundles', () => {
  it.each(['tile/entries/000', 'tile/entries/002.p/118'])('are for auditors alone, at %s', async (path) => {
    await fetched(path).expect(404);
    await fetched(path, desk.token('admin')).expect(404);
    const { capability } = await desk.accept();
    await request(desk.app).get(`${base}/ledger/default/${path}?capability=${capability}`).expect(404);
    const res = await fetched(path, desk.token())
      .expect(200)
      .expect('Content-Type', 'application/octet-stream');
    expect(res.headers['cache-control']).toBe('private, max-age=31536000, immutable');
    expect(res.headers['vary']).toContain('Authorization');
  });

  it('are compressed where that is accepted, and are the same bytes', async () => {
    const at = (encoding: string): request.Test =>
      fetched('tile/entries/000', desk.token()).set('Accept-Encoding', encoding);
    const plain = await at('identity').expect(200);
    expect(plain.headers['content-encoding']).toBeUndefined();
    const zipped = await at('gzip').expect(200).expect('Content-Encoding', 'gzip');
    const unzipped = bytes(zipped)[0] === 0x1f ? gunzipSync(bytes(zipped)) : bytes(zipped);
    expect(unzipped).toEqual(bytes(plain));
    expect(Number(zipped.headers['content-length'])).toBeLessThan(bytes(plain).length / 2);
    expect(zipped.headers['vary']).toContain('Accept-Encoding');
  });
});

describe('a ledger whose stored bytes were changed', () => {
  const update = (sql: string): void => {
    desk.bench.database((db) => db.exec(sql));
  };

  it('gives out no hash tile that is not under the signed head: it is made again from the log', async () => {
    const before = bytes(await fetched('tile/0/000').expect(200));
    update("UPDATE store_1 SET value = zeroblob(8192) WHERE key IN ('tile/0/000', 'tile/0/001')");
    const other = await desk.bench.open();
    const tile = await other.ledger.tile({ level: 0, index: 0, width: 256 });
    expect(Buffer.from(tile ?? [])).toEqual(before);
    const [stored] = desk.bench.database((db) =>
      db.prepare("SELECT value FROM store_1 WHERE key = 'tile/0/000'").all(),
    );
    expect(Buffer.from(stored?.['value'] as Uint8Array).subarray(0, 8_192)).toEqual(before);
    await other.close();
  });

  it('gives out no bundle with an entry that was changed, and tells its owner', async () => {
    update("UPDATE log_1 SET entry = CAST(replace(entry, 'settle', 'sottle') AS BLOB) WHERE position = 100");
    await fetched('tile/entries/000', desk.token()).expect(503);
    await fetched('tile/entries/001', desk.token()).expect(200);
    expect(desk.troubles).toMatchObject([{ error: { code: 'ledger-corrupt' } }]);
    expect(desk.troubles).toHaveLength(1);
  });
});

it('tiles are for auditors alone where the ledger is not public', async () => {
  const closed = await office({ records: { isPublic: false } });
  try {
    await closed.accept();
    const path = `${base}/ledger/default/tile/0/000.p/1`;
    await request(closed.app).get(path).expect(404);
    const res = await request(closed.app).get(path).set('Authorization', closed.token()).expect(200);
    expect(res.headers['cache-control']).toBe('private, max-age=31536000, immutable');
  } finally {
    await closed.close();
  }
});
