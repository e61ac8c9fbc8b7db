import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { isReplay } from '@slackwater/middleware';
import { chromium as chromiumProgram, serverProgram } from '@slackwater/test-support/server-program';
import type { RequestHandler } from 'express';
import { type Browser, chromium, type Page } from 'playwright-core';
import { rolldown } from 'rolldown';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DeferringApp, deferringApp } from '../support/deferring-app.ts';

declare global {
  var shop: typeof import('./page.ts').shop;
}

const here = fileURLToPath(new URL('.', import.meta.url));
// As it is built, and not the bundle that processes of tests are given in its place.
const clientPackage = fileURLToPath(new URL('../../../packages/client-sdk/dist/index.js', import.meta.url));
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let built: string;
let pages: Server;
let pageOrigin: string;
let app: DeferringApp;
let place: Parameters<typeof globalThis.shop.order>[0];
let browser: Browser;
let page: Page;
/** Questions about deferrals that are held open at this moment. */
let heldOpen = 0;
let posts = 0;

/** What an application that is called from another origin lets its callers do. */
const cors: RequestHandler = (req, res, next) => {
  res.set('Access-Control-Allow-Origin', pageOrigin);
  if (req.method !== 'OPTIONS') return next();
  res.set('Access-Control-Allow-Headers', 'content-type, idempotency-key, prefer');
  res.set('Access-Control-Allow-Methods', 'GET, POST, DELETE');
  res.status(204).end();
};

const counting: RequestHandler = (req, res, next) => {
  if (req.method === 'POST' && !isReplay(req)) posts += 1;
  if (req.method === 'GET' && !isReplay(req)) {
    heldOpen += 1;
    res.on('close', () => {
      heldOpen -= 1;
    });
  }
  next();
};

beforeAll(async () => {
  built = mkdtempSync(join(tmpdir(), 'slackwater-page-'));
  await build({ root: here, base: './', logLevel: 'error', build: { outDir: built, emptyOutDir: true } });
  const types: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };
  pages = createServer((req, res) => {
    const path = req.url === '/' ? '/index.html' : (req.url ?? '');
    const known = path === '/index.html' || readdirSync(join(built, 'assets')).includes(path.slice(8));
    if (!known) return void res.writeHead(404).end();
    res.writeHead(200, { 'Content-Type': types[extname(path)] ?? 'text/plain' });
    res.end(readFileSync(join(built, path)));
  });
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  pageOrigin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
  app = await deferringApp({}, [cors, counting]);
  place = { origin: app.origin, verifierKey: await app.gate.ledger.verifierKey() };
  const executablePath = await serverProgram(chromiumProgram);
  browser = await chromium.launch({ executablePath, args: flags });
  page = await browser.newPage();
  await page.goto(pageOrigin);
});

afterAll(async () => {
  await browser?.close();
  await app?.close();
  pages?.closeAllConnections();
  await new Promise((resolve) => pages?.close(resolve));
  rmSync(built, { recursive: true });
});

describe('the client SDK in a browser', () => {
  it('waits for the outcome across origins, and proves that it is in the ledger', async () => {
    const order = await page.evaluate((at) => shop.order(at, 'in a browser \u00fc'), place);
    expect(order).toMatchObject({
      status: 201,
      data: { sku: 'in a browser \u00fc' },
      receiptVerified: true,
      isOwn: true,
      outcome: 'matches',
    });
  });

  it('goes on after a reload, from what it kept in localStorage: one effect', async () => {
    app.hold();
    await page.evaluate((at) => shop.begin(at, 'held'), place);
    await page.reload();
    const resumed = page.evaluate((at) => shop.resume(at), place);
    app.release();
    expect(await resumed).toMatchObject({ status: 201, data: { sku: 'held' } });
    expect(app.done.filter((sku) => sku === 'held')).toHaveLength(1);
  });

  it('stops when its page is left: nothing is asked for any more, and nothing is sent again', async () => {
    app.hold();
    const before = posts;
    await page.evaluate((at) => shop.leaving(at, 'held'), place);
    await expect.poll(() => heldOpen).toBe(1);
    await page.goto('about:blank');
    await expect.poll(() => heldOpen).toBe(0);
    await page.goto(pageOrigin);
    expect(await page.evaluate(() => localStorage.getItem('ended'))).toBe('aborted');
    expect(posts - before).toBe(1);
    app.release();
  });

  it('fails as it does elsewhere where CORS lets nothing through', async () => {
    const other = { ...place, origin: pageOrigin.replace('127.0.0.1', 'localhost') };
    expect(await page.evaluate((at) => shop.failing(at, '/nothing'), other)).toBe('retries-exhausted');
  });
});

describe('its size', () => {
  it('is below 25 kB, gzipped and without axios; what checks proofs comes apart, and nothing of Node at all', async () => {
    const entry = '\0entry';
    const bundle = await rolldown({
      input: entry,
      external: ['axios'],
      platform: 'browser',
      plugins: [
        {
          name: 'entry',
          resolveId: (id) => (id === entry ? id : undefined),
          load: (id) =>
            id === entry ? `export { createClient } from ${JSON.stringify(clientPackage)};` : undefined,
        },
      ],
    });
    const { output } = await bundle.generate({ format: 'es', minify: true });
    const chunks = output.filter((one) => one.type === 'chunk');
    const atOnce = chunks.filter(({ isDynamicEntry }) => !isDynamicEntry);
    const code = atOnce.map((chunk) => chunk.code).join('');
    expect(code).toContain('slackwater');
    expect(gzipSync(code).length).toBeLessThan(25_000);
    const modules = atOnce.flatMap((chunk) => Object.keys(chunk.modules));
    expect(modules.filter((name) => /noble|verify/.test(name))).toEqual([]);
    const own = chunks.map(({ fileName }) => fileName);
    const foreign = chunks.flatMap(({ imports }) => imports).filter((name) => !own.includes(name));
    expect([...new Set(foreign)]).toEqual(['axios']);
    expect(chunks.map((chunk) => chunk.code).join('')).not.toContain('browser-external');
  });
});
