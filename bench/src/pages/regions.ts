/** What stands between a pair of marks of a Markdown file, and is made anew from results. */
const region = /<!-- bench: ([\w-]+) -->\n[\s\S]*?<!-- \/bench -->/g;

/** The text with each region made anew by its name; the rest stays as somebody wrote it. */
export function fillRegions(text: string, contentOf: (name: string) => string): string {
  return text.replace(region, (_, name: string) => {
    return `<!-- bench: ${name} -->\n\n${contentOf(name).trim()}\n\n<!-- /bench -->`;
  });
}

/** The names of a text's regions. */
export function regionsOf(text: string): readonly string[] {
  return [...text.matchAll(region)].map(([, name = '']) => name);
}
