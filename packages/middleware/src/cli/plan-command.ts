import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Planned, planData, planMermaid, planText } from '../operations/draw-plan.ts';
import type { Command } from './command.ts';
import { CommandFailed } from './failures.ts';
import { readOptions, usage } from './read-options.ts';

const help = `Usage: slackwater plan FILE [--name NAME] [--format text|mermaid|json]

Shows how operations of dependent tasks will be done: their stages, and of each task what it takes and gives. FILE is
a module whose exports have them, as defineOperation made them. It is loaded, which runs what it does when it is
imported, and none of its tasks is run.

  --name NAME    only the operation of that name, or that is exported under it
  --format text  lines, the default; mermaid: a flow chart for Markdown; json: data
`;

const formats = {
  text: planText,
  mermaid: planMermaid,
  json: (operation: Planned): string => `${JSON.stringify(planData(operation))}\n`,
};

/** `slackwater plan`: shows the stages of operations. */
export const planCommand: Command = {
  summary: 'shows the stages of operations that a module exports',
  help,
  async run([file, ...args], { stdout }) {
    if (file === undefined || file.startsWith('-')) throw usage('plan', 'FILE is missing: give it first');
    const { name, format = 'text' } = readOptions('plan', args, ['name', 'format']);
    if (!isFormat(format)) {
      throw usage(
        'plan',
        `--format is ${JSON.stringify(format)}; give one of: ${Object.keys(formats).join(', ')}`,
      );
    }
    const found = await operationsIn(file);
    const chosen = found.filter(
      ([exported, operation]) => name === undefined || exported === name || operation.name === name,
    );
    if (chosen.length === 0) throw new CommandFailed(nothingChosen(file, name, found));
    stdout.write(chosen.map(([, operation]) => formats[format](operation)).join('\n'));
  },
};

async function operationsIn(
  file: string,
): Promise<readonly (readonly [exported: string, operation: Planned])[]> {
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailed(`${file} can't be loaded: ${why}`);
  }
  const operations = Object.entries(module).filter((entry): entry is [string, Planned] =>
    isOperation(entry[1]),
  );
  // One that is exported twice, by name and as the default, is one.
  return operations.filter(
    ([, operation], at) => operations.findIndex(([, other]) => other === operation) === at,
  );
}

function nothingChosen(
  file: string,
  name: string | undefined,
  found: readonly (readonly [string, Planned])[],
): string {
  if (found.length === 0) return `${file} exports no operation; export what defineOperation gives`;
  return `${file} exports no operation ${JSON.stringify(name)}; it has: ${found.map(([, one]) => one.name).join(', ')}`;
}

function isFormat(format: string): format is keyof typeof formats {
  return Object.hasOwn(formats, format);
}

/** By its shape: the module may have been made with another copy of this package. */
function isOperation(value: unknown): value is Planned {
  if (typeof value !== 'object' || value === null) return false;
  const { name, version, stages, tasks, dependencies } = value as Partial<Planned>;
  return (
    typeof name === 'string' &&
    typeof version === 'string' &&
    Array.isArray(stages) &&
    tasks instanceof Map &&
    dependencies instanceof Map
  );
}
