import { describe, expect, it } from 'vitest';
import {
  defineOperation,
  readOperation,
} from '../../../packages/middleware/src/operations/define-operation.ts';
import { external, type } from '../../../packages/middleware/src/operations/labels.ts';
import { equals } from '../../../packages/middleware/src/operations/rules.ts';

const run = () => ({});

function refusal(definition: unknown): string {
  try {
    readOperation(definition);
  } catch (error) {
    expect(error).toMatchObject({ code: 'operation-invalid' });
    return (error as Error).message;
  }
  return 'it was not refused';
}

describe('an operation', () => {
  it('has what was declared of its tasks: id, inputs, outputs, check and rollback (T-01)', () => {
    const rollback = () => {};
    const { tasks, input } = defineOperation({
      name: 'trip',
      version: '1',
      input: { who: type<string>() },
      tasks: {
        flight: {
          inputs: ['who', external('code', type<string>())],
          outputs: { seat: type<number>() },
          validate: { seat: equals(3) },
          run: () => ({ seat: 3 }),
          rollback,
          partition: 'flights',
          retries: 2,
        },
        hotel: { inputs: ['seat'], after: ['flight'], run },
      },
    });
    expect([...input.keys()]).toEqual(['who']);
    expect([...tasks.keys()]).toEqual(['flight', 'hotel']);
    expect(tasks.get('flight')).toMatchObject({
      id: 'flight',
      inputs: [
        { label: 'who', from: 'input' },
        { label: 'code', from: 'outside' },
      ],
      rollback,
      partition: 'flights',
      timeoutMs: 60_000,
      retries: 2,
    });
    expect(tasks.get('hotel')?.inputs).toEqual([{ label: 'seat', from: 'task' }]);
  });

  const task = (more: object): object => ({ name: 'trip', version: '1', tasks: { a: { run, ...more } } });
  it.each([
    [undefined, /the definition is undefined; it has to be an object/],
    [{ version: '1', tasks: {} }, /its "name" has to be a text of 1 to 200 characters/],
    [{ name: 'trip', version: 1, tasks: { a: { run } } }, /operation "trip": its "version" has to be a text/],
    [{ name: 'trip', version: '1' }, /its "tasks" have to be an object with at least one task/],
    [{ name: 'trip', version: '1', tasks: {} }, /its "tasks" have to be an object with at least one task/],
    [
      { name: 'trip', version: '1', task: {} },
      /the definition has a member "task", and there is none of that name/,
    ],
    [task({ rolback: run }), /task "a" has a member "rolback", and there is none of that name/],
    [task({ run: 'a' }), /task "a" has no function "run"/],
    [task({ rollback: null }), /task "a": "rollback" is null; give a function/],
    [task({ timeoutMs: '5' }), /task "a": "timeoutMs" is "5"; give a whole number from 1/],
    [task({ timeoutMs: 0 }), /"timeoutMs" is 0/],
    [task({ timeoutMs: 2 ** 31 }), /"timeoutMs" is 2147483648/],
    [task({ retries: -1 }), /"retries" is -1; give a whole number from 0/],
    [task({ partition: '' }), /"partition" is ""; give a name/],
    [task({ inputs: 'x' }), /"inputs" is "x"; give a list of labels/],
    [task({ inputs: [7] }), /task "a" takes 7; name a label, or give external/],
    [task({ inputs: [external('x'), external('x')] }), /task "a" takes "x" twice/],
    [task({ outputs: ['x'] }), /"outputs" is \["x"\]; give type<T>\(\) or a Standard Schema, by label/],
    [task({ outputs: { x: Number } }), /"x" is .*; give type<T>\(\) or a Standard Schema/],
    [
      task({ outputs: { x: type() }, inputs: [external('x')] }),
      /gives "x", which another task takes from outside/,
    ],
    [task({ validate: 5 }), /"validate" is 5/],
    [task({ validate: { x: run } }), /task "a" checks "x", which it does not give/],
    [
      task({ outputs: { x: type() }, validate: { x: /x/ } }),
      /checks "x" by .*; give equals\(\), matches\(\)/,
    ],
    [task({ after: [1] }), /"after" is \[1\]; give a list of names/],
    [task({ after: new Array(1) }), /"after" is .*; give a list of names/],
    [
      { ...task({}), checks: { c: { inputs: ['x'], validate: run } } },
      /check "c" looks at "x", which no task gives/,
    ],
    [{ ...task({}), checks: { c: { inputs: [] } } }, /check "c" has no function "validate"/],
    [
      { ...task({ inputs: [external('x')] }), input: { x: type() } },
      /"x" is in the input of the operation and comes from outside/,
    ],
    [
      { name: 'trip', version: '1', tasks: { '\ud800': { run } } },
      /a task is called .* its name has to have 1 to 200 characters/,
    ],
  ])('is refused where it can not be what it says: %j', (definition, message) => {
    expect(refusal(definition)).toMatch(message);
  });

  it('takes labels and ids that objects have members of, as any others', () => {
    const operation = readOperation({
      name: 'trip',
      version: '1',
      tasks: {
        constructor: { outputs: { toString: type() }, run },
        ['__proto__']: { inputs: ['toString'], run },
      },
    });
    expect(operation.stages.map(({ tasks }) => tasks)).toEqual([['constructor'], ['__proto__']]);
    expect(refusal(task({ inputs: ['valueOf'] }))).toMatch(/takes "valueOf", which no task gives/);
  });
});
