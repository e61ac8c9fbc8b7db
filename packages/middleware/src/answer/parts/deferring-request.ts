import type { Request } from 'express';
import { type CompletionScope, requestContext } from '../../request-context.ts';
import type { Recorder } from '../gate-parts.ts';
import { requesterOf } from '../requester.ts';
import type { PartMeans, PartToRecord, Passed } from './contract.ts';
import { PartNotDeferredError, PartRefusedError } from './part-error.ts';

/** A request that defers parts. */
export interface DeferringRequest extends Pick<PartToRecord, 'parent' | 'key' | 'requester' | 'pseudonym'> {
  readonly at: Recorder;
  /** Its work type by name. */
  readonly workType: string;
  /** Undefined where nothing says what it commits to. */
  readonly partition: string | undefined;
  /** What its transactions are done once by; undefined where they write no completion rows. */
  readonly completion: CompletionScope | undefined;
  /** What it has deferred so far. */
  readonly parts: { readonly id: string; readonly partition: string }[];
}

/** Finds out for whom, and where, the parts of a request are recorded. Rejects with `part-refused` or `part-not-deferred`. */
export async function deferringRequest(
  means: PartMeans,
  req: Request,
  { facts, replay }: Passed,
  name: string,
): Promise<DeferringRequest> {
  const { desk, recorders } = means;
  if (desk === undefined || recorders === undefined) throw new TypeError('there is no engine');
  if (replay !== undefined) {
    const { id, attempt, completionKey: key, workType } = replay;
    try {
      const { at, partition, pseudonym } = await desk.parentOf(id);
      const parent = { kind: 'deferral', id, attempt } as const;
      return { at, parent, key, workType, partition, pseudonym, ...nothingYet() };
    } catch (error) {
      throw new PartNotDeferredError(
        name,
        'the deferral that it would be a part of could not be read',
        error,
      );
    }
  }
  const completion = requestContext.getStore()?.completion;
  const requester = await requesterOf(means, req);
  if (requester.name === undefined) {
    const said = requester.failed ? 'the option requester failed' : 'the option requester names nobody';
    throw new PartRefusedError(
      name,
      `it is recorded for somebody, and ${said}; authenticate before the route`,
    );
  }
  const at = await recorders.of(req);
  if (typeof at === 'string') {
    throw new PartRefusedError(
      name,
      'its request belongs to no resource group; the event trouble has the reason',
    );
  }
  const id = desk.newRequestId();
  const partitions = facts?.partitions ?? [];
  const rows = completion && partitions.length > 0 ? { key: completion.key, partitions } : undefined;
  return {
    ...nothingYet(),
    ...{ at, requester: requester.name, key: completion?.key ?? id, completion },
    parent: { kind: 'request', id, ...(rows === undefined ? {} : { rows }) },
    workType: facts?.workType.name ?? means.options.defaultWorkType,
    partition: partitions[0],
  };
}

function nothingYet(): Pick<DeferringRequest, 'requester' | 'completion' | 'parts'> {
  return { requester: '', completion: undefined, parts: [] };
}
