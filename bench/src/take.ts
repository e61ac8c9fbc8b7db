import type { Benchmark, Run, Told } from './benchmark.ts';
import { thisMachine } from './report.ts';
import type { Result } from './results/result.ts';
import { versionsOf } from './results/versions.ts';

/** Takes a benchmark, and gives all that is kept of it. */
export async function take(
  benchmark: Benchmark,
  { quick, entries, progress }: Omit<Run, 'tell'>,
): Promise<Result> {
  const { name, title, packages = [], ours, bars } = benchmark;
  const machine = thisMachine();
  const takenAt = new Date().toISOString();
  const startedAt = performance.now();
  const told: (Required<Omit<Told, 'data'>> & Pick<Told, 'data'>)[] = [];
  const figures = await benchmark.measure({
    ...{ quick, entries, progress },
    tell({ settings = {}, versions = {}, pictures = [], ...rest }) {
      told.push({ settings, versions, pictures, ...rest });
    },
  });
  const data = told.flatMap((each) => each.data ?? []);
  return {
    ...{ name, title, takenAt, quick, machine },
    tookS: Math.round((performance.now() - startedAt) / 1_000),
    versions: Object.assign(versionsOf(packages), ...told.map(({ versions }) => versions)),
    settings: Object.assign({}, ...told.map(({ settings }) => settings)),
    ...(ours === undefined ? {} : { ours }),
    ...(bars === undefined ? {} : { bars }),
    figures,
    pictures: told.flatMap(({ pictures }) => pictures),
    ...(data.length === 0 ? {} : { data: Object.assign({}, ...data) }),
  };
}
