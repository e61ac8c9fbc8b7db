import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { makeDemoFolder, startDemo } from './demo-process.ts';

const program = fileURLToPath(new URL('../../examples/audit-log/src/start.ts', import.meta.url));

describe('an application whose operations are audit-log writes (B-43)', () => {
  const folder = makeDemoFolder();

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('defers every one, also while its database is down, writes each once, and answers its auditors from the ledger', async () => {
    const { ended, output, complaints } = startDemo(program, folder, [], { sharesData: true });
    expect(await ended, complaints()).toBe(0);
    // Nor does anything warn, of connections that were opened a moment ago for instance.
    expect(complaints()).toBe('');
    const said = output();
    expect(said.trimEnd().split('\n').at(-1)).toBe(
      '{"accepted":40,"lost":0,"duplicated":0,"ledgerVerified":true}',
    );
    expect(said).toContain('The database is down. 20 more events are in the ledger');
    expect(said).toContain('  Succeeded: 40\n');
    const ofOne =
      /entry \d+: accepted\n {4}entry \d+: performing\n[\s\S]*: performed\n {4}receipt: entry \d+, verified/;
    expect(said).toMatch(ofOne);
    expect(said).toMatch(
      /revealed for the yearly review, which is an entry of its own: (?:opened|changed|closed)/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});
