import type { OperationBlock } from '@slackwater/shared';
import type { RunGround } from './run-ground.ts';
import type { RunState } from './run-state.ts';

/** The blocks of a run that were found in the log as they were planned: what runs is what the log says. Each is looked for once each way. */
export class VerifiedBlocks {
  readonly #ground: Pick<RunGround, 'records' | 'corrupt'>;
  readonly #verified = new Set<string>();

  constructor(ground: Pick<RunGround, 'records' | 'corrupt'>) {
    this.#ground = ground;
  }

  /** Rejects with `record-corrupt` where the block is not where it was recorded. */
  async verify({ id, phase, blocks }: RunState, block: OperationBlock): Promise<void> {
    const key = `${phase.is}/${block.id}`;
    if (this.#verified.has(key)) return;
    const position = blocks.get(block.id)?.position;
    const entry = position === undefined ? undefined : await this.#ground.records.entry(position);
    if (entry?.id !== id || entry.step?.block?.id !== block.id) {
      throw this.#ground.corrupt(`block ${block.id} of run ${id} is not where it was recorded`);
    }
    this.#verified.add(key);
  }
}
