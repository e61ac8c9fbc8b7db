import type { Operation, Stage, Task } from './operation.ts';

/** What of an operation its plan shows. */
export type Planned = Pick<Operation, 'name' | 'version' | 'input' | 'tasks' | 'stages' | 'dependencies'>;

/** The plan of an operation in lines: its stages, and of each task what it takes, gives and waits for. */
export function planText(operation: Planned): string {
  const { name, version, tasks, stages } = operation;
  const rows = stages.map(({ tasks: ids }) => ids.map((id) => cellsOf(tasks.get(id) as Task)));
  const widths = [0, 1].map((column) =>
    Math.max(0, ...rows.flat().map((cells) => cells[column]?.length ?? 0)),
  );
  const lines = stages.map((stage, at) => {
    const tasksOfStage = (rows[at] ?? []).map(([id = '', takes = '', gives = '']) =>
      `  ${id.padEnd(widths[0] ?? 0)}  ${takes.padEnd(widths[1] ?? 0)}  ${gives}`.trimEnd(),
    );
    return [`stage ${at + 1}`, ...tasksOfStage, ...checked(stage)].join('\n');
  });
  return `${name} ${version}: ${count(tasks.size, 'task')} in ${count(stages.length, 'stage')}\n\n${lines.join('\n\n')}\n`;
}

/** The same as a Mermaid flow chart: a box for each stage, an arrow with its label for each value that goes from one task to another. */
export function planMermaid({ input, tasks, stages, dependencies }: Planned): string {
  const node = new Map([...tasks.keys()].map((id, at) => [id, `t${at}`]));
  const giver = new Map(
    [...tasks.values()].flatMap(({ id, outputs }) => [...outputs.keys()].map((label) => [label, id])),
  );
  const boxes = stages.flatMap(({ tasks: ids, checks }, at) => [
    `  subgraph s${at}[${quoted(`stage ${at + 1}${checks.length === 0 ? '' : `, then checks ${checks.join(', ')}`}`)}]`,
    ...ids.map((id) => `    ${node.get(id)}[${quoted(id)}]`),
    '  end',
  ]);
  const outside = [...input.keys(), ...new Set([...tasks.values()].flatMap(outsideOf))];
  const given = new Map(outside.map((label, at) => [label, `g${at}`]));
  const arrows = [...tasks.values()].flatMap((task) => {
    const taken = new Set<string>();
    const values = task.inputs.map(({ label, from }) => {
      if (from !== 'task') return `  ${given.get(label)} --> ${node.get(task.id)}`;
      taken.add(giver.get(label) ?? '');
      return `  ${node.get(giver.get(label) ?? '')} -- ${quoted(label)} --> ${node.get(task.id)}`;
    });
    const orders = (dependencies.get(task.id) ?? []).filter((id) => !taken.has(id));
    return [...values, ...orders.map((id) => `  ${node.get(id)} -.-> ${node.get(task.id)}`)];
  });
  const inputs = outside.map((label) => `  ${given.get(label)}([${quoted(label)}])`);
  return ['flowchart LR', ...inputs, ...boxes, ...arrows, ''].join('\n');
}

/** The same as data. */
export function planData({ name, version, tasks, stages, dependencies }: Planned): object {
  return {
    name,
    version,
    stages,
    tasks: [...tasks.values()].map(({ id, inputs, outputs, after, rollback }) => ({
      id,
      inputs,
      outputs: [...outputs.keys()],
      after,
      dependsOn: dependencies.get(id) ?? [],
      hasRollback: rollback !== undefined,
    })),
  };
}

function cellsOf({ id, inputs, outputs, after, rollback }: Task): readonly string[] {
  const takes = inputs.map(({ label, from }) => (from === 'outside' ? `${label} (from outside)` : label));
  const gives = [...outputs.keys()];
  const more = [
    ...(after.length === 0 ? [] : [`after ${after.join(', ')}`]),
    ...(rollback === undefined ? ['no rollback'] : []),
  ];
  const last = [gives.length === 0 ? 'gives nothing' : `gives ${gives.join(', ')}`, ...more].join('; ');
  return [id, takes.length === 0 ? 'takes nothing' : `takes ${takes.join(', ')}`, last];
}

function checked({ checks }: Stage): readonly string[] {
  return checks.length === 0 ? [] : [`  then checked: ${checks.join(', ')}`];
}

function outsideOf({ inputs }: Task): readonly string[] {
  return inputs.filter(({ from }) => from === 'outside').map(({ label }) => label);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** Mermaid takes any text in quotes, but for quotes, which it writes like HTML, and what HTML would read. */
function quoted(text: string): string {
  const escaped = text.replace(/[&"<>#;]/g, (sign) => `#${sign.charCodeAt(0)};`).replace(/\s+/g, ' ');
  return `"${escaped}"`;
}
