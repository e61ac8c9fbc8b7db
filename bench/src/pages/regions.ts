/** What stands between a pair of marks of a Markdown file, and is made anew from results. One that is not closed is none: it would take what follows with it. */
const region = /<!-- bench: ([\w-]+) -->\n(?:(?!<!-- bench: )[\s\S])*?<!-- \/bench -->/g;

/** The text with each region made anew by its name; undefined: it stays as it is, like everything that somebody wrote. */
export function fillRegions(text: string, contentOf: (name: string) => string | undefined): string {
  return text.replace(region, (whole, name: string) => {
    const content = contentOf(name);
    return content === undefined ? whole : `<!-- bench: ${name} -->\n\n${content.trim()}\n\n<!-- /bench -->`;
  });
}

/** The names of a text's regions. */
export function regionsOf(text: string): readonly string[] {
  return [...text.matchAll(region)].map(([, name = '']) => name);
}
