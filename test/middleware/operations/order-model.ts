import type { LedgerEntry } from '@slackwater/shared';
import type { Operation } from '../../../packages/middleware/src/operations/operation.ts';

/** How far a task has come, by its entries. */
interface Place {
  readonly stage: number;
  phase: 'never' | 'running' | 'ended' | 'undoing' | 'undone';
  isWell: boolean;
}

/**
 * What is wrong with the order in which a run's entries say that its tasks were run and undone; nothing where it is right. Every task of the operation has a
 * rollback. Knows nothing of how runs are decided on: only in which order the stages stand.
 */
export function disorder(
  { stages, parallel }: Pick<Operation, 'stages' | 'parallel'>,
  entries: readonly LedgerEntry[],
): readonly string[] {
  const faults: string[] = [];
  const places = new Map(
    stages.flatMap(({ tasks }, stage) =>
      tasks.map((task): [string, Place] => [task, { stage, phase: 'never', isWell: false }]),
    ),
  );
  const all = [...places.values()];
  const undoBegan = new Map<number, Set<string>>();
  const undoHasEnded = new Set<number>();
  const expectAll = (isRight: boolean, fault: string): void => {
    if (!isRight) faults.push(fault);
  };
  const planned = entries.filter(({ type }) => type === 'stage-planned').length;
  expectAll(planned === stages.length, `${planned} of ${stages.length} stages were planned`);

  for (const { type, step } of entries) {
    const task = step?.task ?? '';
    const place = places.get(task);
    if (place === undefined) continue;
    const { stage } = place;
    if (type === 'task-begun') {
      const isReady = all.every((one) => one.stage >= stage || (one.phase === 'ended' && one.isWell));
      expectAll(isReady && undoBegan.size === 0, `${task} began too early, or too late`);
      place.phase = 'running';
    } else if (type === 'task-ended') {
      expectAll(place.phase === 'running', `${task} ended and did not run`);
      place.phase = 'ended';
      place.isWell = step?.end === 'succeeded';
    } else if (type === 'undo-begun') {
      const isIdle = all.every(({ phase }) => phase !== 'running');
      const isNext = all.every(
        (one) => one.stage <= stage || one.phase === 'never' || one.phase === 'undone',
      );
      expectAll(isIdle && isNext && place.phase !== 'never', `${task} was undone out of order`);
      place.phase = 'undoing';
      undoBegan.set(stage, (undoBegan.get(stage) ?? new Set()).add(task));
    } else if (type === 'undo-ended') {
      expectAll(place.phase === 'undoing', `${task} was undone, and nothing undid it`);
      if (!undoHasEnded.has(stage)) {
        undoHasEnded.add(stage);
        const begun = all.filter((one) => one.stage === stage && one.phase !== 'never').length;
        const together = undoBegan.get(stage)?.size ?? 0;
        expectAll(together >= Math.min(parallel, begun), `stage ${stage} was undone one after the other`);
      }
      if (step?.end === 'succeeded') place.phase = 'undone';
    }
  }

  const isUndone = entries.some(({ step }) => step?.result === 'undone');
  const isRight = ({ phase, isWell }: Place): boolean =>
    isUndone ? phase === 'never' || phase === 'undone' : phase === 'ended' && isWell;
  for (const [task, place] of places) expectAll(isRight(place), `${task} was left as it is: ${place.phase}`);
  const settled = entries.filter(({ type }) => type === 'operation-settled').length;
  expectAll(settled === 1, `it was settled ${settled} times`);
  return faults;
}
