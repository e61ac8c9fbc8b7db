import { codeSpan, tablesOf } from './markdown.ts';
import type { TextFile } from './tree.ts';

/** What docs/dependencies.md says that the installation of a package weighs. */
export interface Weight {
  readonly name: string;
  /** Its tarball unpacks to less than that, in MB of a million bytes. */
  readonly belowMb: number;
  readonly direct: number;
  /** With the dependencies of dependencies. */
  readonly all: number;
  readonly optionalPeers: number;
}

/** The rows of the table headed `package | unpacks to less than | ...`. */
export function statedWeights(file: TextFile): readonly Weight[] {
  return tablesOf(file)
    .filter(({ header }) => header[1] === 'unpacks to less than')
    .flatMap(({ rows }) =>
      rows.map(([name, size, direct, all, optionalPeers]) => ({
        name: codeSpan(name) ?? '',
        belowMb: Number(/^([\d.]+) MB$/.exec(size ?? '')?.[1]),
        direct: Number(direct),
        all: Number(all),
        optionalPeers: Number(optionalPeers),
      })),
    );
}

/** The sentence that the README of a package has to have. */
export function sentenceOf({ belowMb, direct, all, optionalPeers }: Weight): string {
  const peers = optionalPeers === 0 ? 'no optional peers' : `${optionalPeers} optional peers`;
  return `Unpacks to less than ${belowMb} MB and brings ${all} packages, ${direct} of which it depends on itself; ${peers}.`;
}
