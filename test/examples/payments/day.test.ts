import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { makeDemoFolder, startDemo } from '../demo-process.ts';

const program = fileURLToPath(new URL('../../../examples/payments/src/start.ts', import.meta.url));

describe('three hosts of the payment service behind load balancers, a processor and a system that takes orders (D-62)', () => {
  const folder = makeDemoFolder();

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('conserve money while a database is slow, a host is killed and the database server too', {
    timeout: 180_000,
  }, async () => {
    const { ended, output, complaints } = startDemo(program, folder, ['--short'], { sharesData: true });
    expect(await ended, output() + complaints()).toBe(0);
    const account = JSON.parse(output().trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
    expect(account).toMatchObject({ wrong: 0, conserved: true });
    expect(account['settled']).toBeGreaterThan(20);
    expect(account['canceled']).toBeGreaterThan(0);
    expect(readdirSync(folder)).toEqual([]);
  });
});
