/** The load, in a process of its own. */
import { answerCalls } from '../child.ts';
import { type Load, type Loaded, loadOf } from '../load.ts';

/** What it can be asked. */
export interface LoadProcess {
  take(load: Load): Promise<Loaded>;
}

await answerCalls<LoadProcess>(async () => ({ take: loadOf }));
