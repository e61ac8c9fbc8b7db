import { posix } from 'node:path';
import { parseSync, Visitor } from 'rolldown/utils';
import type { TextFile } from './tree.ts';

/** One import or re-export of a source, or a type written as `import('x').Y`. */
export interface Import {
  readonly specifier: string;
  /** True where nothing is left of it once the types are stripped. */
  readonly typeOnly: boolean;
  readonly line: number;
}

/** What a source exports: declared here, or taken from another module, also by an import of its own. */
export interface Export {
  /** `*` for everything of `from`. */
  readonly name: string;
  readonly from: string | undefined;
  /** Its name where it is declared. */
  readonly local: string;
  readonly typeOnly: boolean;
}

/** Something at the top level of a source, with the docstring that stands directly before it. */
export interface Declaration {
  readonly name: string;
  readonly docstring: string | undefined;
  readonly members: readonly Member[];
  readonly line: number;
}

/** A property or method of an interface or object type. */
export interface Member {
  readonly name: string;
  readonly docstring: string | undefined;
  readonly line: number;
}

export interface Source extends TextFile {
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
  readonly declarations: readonly Declaration[];
}

type Parsed = ReturnType<typeof parseSync>;
type Statement = Parsed['program']['body'][number];
type Named = Extract<Statement, { type: 'ExportNamedDeclaration' }>['declaration'];

const parsed = new Map<string, Parsed>();

/** The syntax tree of a source. Throws where it does not parse. */
export function parse({ path, text }: TextFile): Parsed {
  const key = `${path}\n${text}`;
  const known = parsed.get(key);
  if (known !== undefined) return known;
  const result = parseSync(path, text);
  const [error] = result.errors;
  if (error !== undefined) throw new Error(`${path} does not parse: ${error.message}`);
  parsed.set(key, result);
  return result;
}

/** 1-based line of an offset. */
export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** What a source imports, exports and declares. */
export function readSource(file: TextFile): Source {
  return {
    ...file,
    imports: importsOf(file),
    exports: exportsOf(file),
    declarations: declarationsOf(file),
  };
}

/** `./b.ts` seen from `a/x.ts` is `a/b.ts`; undefined for a package or a builtin. */
export function resolveRelative(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : undefined;
}

function importsOf(file: TextFile): readonly Import[] {
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean, start: number): void => {
    found.push({ specifier, typeOnly, line: lineOf(file.text, start) });
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source.value, node.importKind === 'type', node.start),
    ExportAllDeclaration: (node) => add(node.source.value, node.exportKind === 'type', node.start),
    ExportNamedDeclaration(node) {
      if (node.source !== null) add(node.source.value, node.exportKind === 'type', node.start);
    },
    ImportExpression(node) {
      add(node.source.type === 'Literal' ? String(node.source.value) : '(computed)', false, node.start);
    },
    TSImportType: (node) => add(node.source.value, true, node.start),
  }).visit(parse(file).program);
  return found;
}

function exportsOf(file: TextFile): readonly Export[] {
  return parse(file).module.staticExports.flatMap(({ entries }) =>
    entries.map((entry) => {
      const name = entry.exportName.name ?? (entry.exportName.kind === 'Default' ? 'default' : '*');
      return {
        name,
        from: entry.moduleRequest?.value,
        local: entry.importName.name ?? entry.localName.name ?? name,
        typeOnly: entry.isType,
      };
    }),
  );
}

function declarationsOf(file: TextFile): readonly Declaration[] {
  const docstringBefore = docstringsOf(file);
  return parse(file).program.body.flatMap((statement) => {
    const declaration = declarationIn(statement);
    return namesOf(declaration).map((name) => ({
      name,
      docstring: docstringBefore(statement.start),
      line: lineOf(file.text, statement.start),
      members: membersOf(declaration).map((member) => ({
        name: member.name,
        docstring: docstringBefore(member.start),
        line: lineOf(file.text, member.start),
      })),
    }));
  });
}

function declarationIn(statement: Statement): Statement | Named {
  return statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
}

function namesOf(declaration: Statement | Named): readonly string[] {
  switch (declaration?.type) {
    case 'VariableDeclaration':
      return declaration.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []));
    case 'FunctionDeclaration':
    case 'TSDeclareFunction':
    case 'ClassDeclaration':
    case 'TSInterfaceDeclaration':
    case 'TSTypeAliasDeclaration':
      return declaration.id === null ? [] : [declaration.id.name];
    default:
      return [];
  }
}

function membersOf(declaration: Statement | Named): readonly { name: string; start: number }[] {
  if (declaration?.type === 'TSInterfaceDeclaration') return named(declaration.body.body);
  if (declaration?.type !== 'TSTypeAliasDeclaration') return [];
  const type = declaration.typeAnnotation;
  return type.type === 'TSTypeLiteral' ? named(type.members) : [];
}

function named(
  members: readonly { type: string; start: number; key?: object }[],
): readonly { name: string; start: number }[] {
  return members.flatMap(({ key, start }) =>
    key !== undefined && 'name' in key && typeof key.name === 'string' ? [{ name: key.name, start }] : [],
  );
}

/** Finds the docstring whose end is separated from an offset by nothing but white space. */
function docstringsOf(file: TextFile): (start: number) => string | undefined {
  const docstrings = parse(file).comments.filter(
    ({ type, value }) => type === 'Block' && value.startsWith('*'),
  );
  return (start) => {
    const comment = docstrings.findLast(({ end }) => end <= start);
    if (comment === undefined || file.text.slice(comment.end, start).trim() !== '') return undefined;
    const words = comment.value.replace(/^\s*\*+ ?/gm, '').trim();
    return words === '' ? undefined : words;
  };
}
