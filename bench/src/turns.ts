/** Takes one sample, as a rule a number. */
export type Take<Sample = number> = () => Promise<Sample> | Sample;

/**
 * Takes samples of several things in turn, forwards and backwards (A B C, C B A, A B C ...), so that a machine that
 * becomes slower or faster favours none of them. Sample n of each belongs to round n.
 */
export async function inTurn<Name extends string, Sample = number>(
  takes: Readonly<Record<Name, Take<Sample>>>,
  rounds: number,
  onRound: (round: number) => void = () => {},
): Promise<Record<Name, Sample[]>> {
  const forwards = Object.keys(takes) as Name[];
  const samples = Object.fromEntries(forwards.map((name) => [name, [] as Sample[]])) as Record<
    Name,
    Sample[]
  >;
  for (let round = 0; round < rounds; round++) {
    onRound(round);
    for (const name of round % 2 === 0 ? forwards : forwards.toReversed()) {
      samples[name].push(await takes[name]());
    }
  }
  return samples;
}
