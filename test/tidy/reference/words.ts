/** Where a name is documented, seen from the page that is written; undefined where it has no place. */
export type LinkTo = (name: string) => string | undefined;

/** A docstring as Markdown: links followed, parameters as a list, everything else as it is. */
export function wordsOf(docstring: string, linkTo: LinkTo): string {
  const [prose = '', ...tags] = docstring.split(/^(?=@(?:param|returns|throws|example|see)\b)/m);
  const params = tags.flatMap((tag) => /^@param\s+(\S+)\s+(?:-\s+)?([\s\S]*)/.exec(tag) ?? []);
  const list: string[] = [];
  for (let at = 0; at < params.length; at += 3)
    list.push(`* \`${params[at + 1]}\`: ${inline(oneLine(params[at + 2] ?? ''), linkTo)}`);
  const rest = tags
    .filter((tag) => !tag.startsWith('@param'))
    .map((tag) => {
      const [, name = '', words = ''] = /^@(\w+)\s*([\s\S]*)/.exec(tag) ?? [];
      if (name === 'example')
        return words.includes('```') ? words.trim() : `\`\`\`js\n${words.trim()}\n\`\`\``;
      return `${name === 'returns' ? 'Gives' : name === 'throws' ? 'Throws' : 'See'} ${inline(oneLine(words), linkTo)}`;
    });
  return [inline(prose.trim(), linkTo), list.join('\n'), ...rest].filter((part) => part !== '').join('\n\n');
}

function oneLine(words: string): string {
  return words.trim().replace(/\s*\n\s*/g, ' ');
}

/** Code spans stay; `{@link x}` and what names a document become links, and what HTML would swallow is kept. */
function inline(words: string, linkTo: LinkTo): string {
  return words
    .replace(/`?\bdocs\/([\w/-]+\.md)\b`?/g, (_, path: string) => `[${path}](../../${path})`)
    .split(/(`[^`]*`)/)
    .map((part, at) =>
      at % 2 === 1
        ? part
        : part.replace(/</g, '\\<').replace(/\{@link\s+([^}|\s]+)[^}]*\}/g, (_, name: string) => {
            const target = linkTo(name.split('.')[0] ?? '');
            return target === undefined ? `\`${name}\`` : `[\`${name}\`](${target})`;
          }),
    )
    .join('');
}
