import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const repository = resolve(import.meta.dirname, '../../..');
const sources = join(repository, 'packages/middleware/src/operations');

const head = `
import { defineOperation } from '${sources}/define-operation.ts';
import { external, type } from '${sources}/labels.ts';
import { equals, matches } from '${sources}/rules.ts';
import type { Operation } from '${sources}/operation.ts';
import type { StandardSchema } from '${sources}/standard-schema.ts';
`;

const accepted = `${head}
interface Flight { readonly number: string; readonly seat: number }
declare const day: StandardSchema<string, Date>;
const trip = defineOperation({
  name: 'trip', version: '1', input: { traveller: type<{ readonly name: string }>() },
  tasks: {
    hotel: {
      inputs: ['flight', 'arrival', external('code', type<string>())],
      outputs: { room: type<number>() },
      run({ flight, arrival, code }, { idempotencyKey, signal }) {
        const at: number = arrival.getTime();
        return { room: flight.seat + at + code.length + idempotencyKey.length + Number(signal.aborted) };
      },
      partition: ({ flight }) => flight.number,
    },
    flight: {
      inputs: ['traveller'],
      outputs: { flight: type<Flight>(), arrival: day },
      validate: { flight: ({ seat }) => seat > 0 },
      async run({ traveller }) { return { flight: { number: traveller.name, seat: 1 }, arrival: '2026-05-01' }; },
      async rollback({ inputs, outputs, end }) {
        const seat: number | undefined = outputs?.flight.seat;
        return end === 'unknown' ? inputs.traveller.name : seat;
      },
    },
    mail: { inputs: ['room'], after: ['flight'], run({ room }) { room.toFixed(); return {}; } },
  },
  checks: { suits: { inputs: ['room', 'flight'], validate: ({ room, flight }) => room > flight.seat } },
});
const typed: Operation<
  { readonly traveller: { readonly name: string } },
  { readonly room: number; readonly flight: Flight; readonly arrival: Date }
> = trip;
typed.name.toString();
`;

/** Each line that ends in "// no: ..." must not compile, and every other one must. */
const refused = `${head}
const a = { outputs: { x: type<number>(), y: type<string>() }, run: () => ({ x: 3, y: 'a' }) };
defineOperation({ name: 'n', version: '1', tasks: {
  a,
  b: { inputs: ['z'], run: () => ({}) }, // no: nobody gives "z"
} });
defineOperation({ name: 'n', version: '1', tasks: {
  a,
  b: { inputs: ['x'], run(inputs) {
    const text: string = inputs.x; // no: it is a number
    const y = inputs.y; // no: it does not take "y"
    return { text, y };
  } },
} });
defineOperation({ name: 'n', version: '1', tasks: {
  a: { outputs: { x: type<number>() }, run: () => ({ x: 'one' }) }, // no: a text is no number
  b: { outputs: { y: type<number>() }, run: () => ({}) }, // no: "y" is not answered
  c: { outputs: { z: type<number>() }, run() {} }, // no: nothing is answered
} });
defineOperation({ name: 'n', version: '1', tasks: {
  a: {
    outputs: { x: type<number>(), y: type<string>() },
    validate: { x: equals(3), y: matches(/^a/) },
    run: () => ({ x: 3, y: 'a' }),
  },
  b: {
    outputs: { z: type<number>() },
    validate: { q: equals(3) }, // no: it does not give "q"
    run: () => ({ z: 3 }),
  },
} });
defineOperation({ name: 'n', version: '1', tasks: { a }, checks: {
  same: { inputs: ['x', 'u'], validate: () => true }, // no: no task gives "u"
  odd: { inputs: ['x'], validate: ({ x }) => x.length > 1 }, // no: a number has no length
} });
defineOperation({ name: 'n', version: '1', tasks: {
  a,
  c: { after: ['d'], run: () => ({}) }, // no: there is no such task
  e: { after: ['e'], run: () => ({}) }, // no: no task is after itself
} });
defineOperation({ name: 'n', version: '1', tasks: {
  a: { run: () => ({}), rolback: () => {} }, // no: there is no such member
} });
`;

describe('the types of an operation', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slackwater-types-'));
    const compilerOptions = {
      noEmit: true,
      composite: false,
      allowImportingTsExtensions: true,
      lib: ['es2023', 'dom'],
    };
    const config = {
      extends: join(repository, 'tsconfig.base.json'),
      compilerOptions: {
        ...compilerOptions,
        types: ['node'],
        rewriteRelativeImportExtensions: false,
        noUnusedLocals: false,
      },
      include: ['*.ts'],
    };
    await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    await writeFile(join(folder, 'accepted.ts'), accepted);
    await writeFile(join(folder, 'refused.ts'), refused);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('let a task see what it takes as others declare it, and refuse all else: a label that nobody gives above all', async () => {
    const tsc = join(repository, 'node_modules/typescript/bin/tsc');
    const compiled = promisify(execFile)(process.execPath, [tsc, '-p', folder], { maxBuffer: 2 ** 24 });
    const said = await compiled.then(
      ({ stdout }) => stdout,
      (error: { readonly stdout: string }) => error.stdout,
    );
    const complaints = [...said.matchAll(/^(?:.*\/)?(\w+)\.ts\((\d+),/gm)].map(
      ([, file, line]) => `${file}:${line}`,
    );
    const expected = refused
      .split('\n')
      .flatMap((line, at) => (line.includes('// no: ') ? [`refused:${at + 1}`] : []));
    expect([...new Set(complaints)], said).toEqual(expected);
  });
});
