import { parse } from '../source.ts';
import type { TextFile } from '../tree.ts';

/** A declaration as TypeScript writes it into a `.d.ts`, taken apart for a page. */
export interface Declared {
  /** Without what stands in `members`. */
  readonly head: string;
  readonly docstring: string | undefined;
  /** Of an interface or a class, the private ones left out. */
  readonly members: readonly { readonly code: string; readonly docstring: string | undefined }[];
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** The declarations of that name in a file of declarations: several where a function has overloads. */
export function declarationsIn(file: TextFile, name: string): readonly Declared[] {
  const { program, comments } = parse(file);
  const docstringBefore = (start: number): string | undefined => {
    const comment = comments.findLast(({ end }) => end <= start);
    const isThere =
      comment?.type === 'Block' &&
      comment.value.startsWith('*') &&
      file.text.slice(comment.end, start).trim() === '';
    return isThere ? comment.value.replace(/^\s*\*+ ?/gm, '').trim() : undefined;
  };
  return program.body.flatMap((statement) => {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declaration === null || !names(declaration).includes(name)) return [];
    const body = bodyOf(declaration);
    const text = (span: Span): string => file.text.slice(span.start, span.end);
    const head = { start: statement.start, end: body?.start ?? statement.end };
    return [
      {
        head: text(head)
          .replace(/^(?:export )?(?:declare )?/, '')
          .trim(),
        docstring: docstringBefore(statement.start),
        members: (body?.members ?? [])
          .filter((member) => !/^(?:private |protected |#)/.test(text(member)))
          .map((member) => ({
            code: text(member).replace(/;$/, ''),
            docstring: docstringBefore(member.start),
          })),
      },
    ];
  });
}

type Statement = ReturnType<typeof parse>['program']['body'][number];

function names(statement: Statement): readonly string[] {
  if (statement.type === 'VariableDeclaration')
    return statement.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []));
  const { id } = statement as { readonly id?: { readonly name?: string } | null };
  return id?.name === undefined ? [] : [id.name];
}

function bodyOf(statement: Statement): (Span & { readonly members: readonly Span[] }) | undefined {
  if (statement.type === 'TSInterfaceDeclaration' || statement.type === 'ClassDeclaration')
    return { start: statement.body.start, end: statement.body.end, members: statement.body.body };
  return undefined;
}
