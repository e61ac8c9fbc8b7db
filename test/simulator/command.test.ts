import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../../simulator/src/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'slackwater-simulate-'));
afterAll(() => rmSync(folder, { recursive: true }));

function run(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

function file(name: string, value: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}

const scenario = {
  seed: 7,
  durationMs: 2_000,
  hosts: 2,
  workTypes: { order: { priority: 1, thresholdMs: 100 } },
  partitions: { orders: { serviceMs: 5, parallel: 2, faults: [{ fromMs: 500, toMs: 1_000, refuse: true }] } },
  load: [
    { workType: 'order', partition: 'orders', ratePerSecond: 50, fromMs: 0, toMs: 2_000, caller: 'naive' },
  ],
  reportWindowMs: 1_000,
};

describe('npm run simulate', () => {
  it('gives one JSON object with windows and figures, and nothing else', async () => {
    const svg = join(folder, 'some.svg');
    const { code, stdout, stderr } = await run(
      '--scenario',
      file('some.json', scenario),
      '--json',
      '--svg',
      svg,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout) as Record<string, unknown>;
    expect(Object.keys(report)).toEqual([
      'windows',
      'inversions',
      'retrips',
      'timeToFirstAdmissionAfterFaultMs',
      'drains',
    ]);
    expect(report['windows']).toHaveLength(2);
    expect(Object.keys((report['windows'] as object[])[0] ?? {})).toEqual([
      ...[
        'fromMs',
        'partition',
        'workType',
        'offered',
        'performed',
        'refused',
        'deferred',
        'drained',
        'latencyMs',
      ],
    ]);
    expect(readFileSync(svg, 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s);
  });

  it('gives a table without --json, and says what it takes with --help', async () => {
    const [table, help] = await Promise.all([run('--scenario', file('table.json', scenario)), run('--help')]);
    expect(table.stdout).toMatch(/from s +partition +work type +offered .*\n +0 +orders +order +\d+/);
    expect(table.stdout).toMatch(/inversions +0\nre-trips +0\n/);
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('--scenario <file>') });
  });

  it('refuses what it does not understand, with the way out, and exit code 2', async () => {
    const [none, unknown, absent, text, member] = await Promise.all([
      run(),
      run('--scenarios', 'x'),
      run('--scenario', join(folder, 'absent.json')),
      run('--scenario', file('text.json', '{')),
      run('--scenario', file('member.json', { ...scenario, duration: 5 })),
    ]);
    expect(none.stderr).toMatch(/^simulate: --scenario names no file; give one: --scenario simulator/);
    expect(unknown.stderr).toMatch(/Unknown option '--scenarios'.*--help/);
    expect(absent.stderr).toMatch(/absent\.json: .*no such file/);
    expect(text.stderr).toMatch(/text\.json: .*JSON/);
    expect(member.stderr).toMatch(
      /member\.json: duration: there is no such option; did you mean durationMs\?/,
    );
    for (const { code, stdout } of [none, unknown, absent, text, member])
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});
