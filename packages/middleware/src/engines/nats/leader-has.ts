import type { NatsContext } from './context.ts';
import { notShown } from './failures.ts';

const mostLooks = 9;
/** And twice, three times ... as long: some four seconds in all. */
const betweenLooksMs = 100;

/**
 * Resolves when the stream's leader has the message with that number, which is known to have been there. One that was elected
 * just now may still be taking in what the one before acknowledged, and until then answers as if it were not there. Rejects
 * with `engine-unavailable`.
 */
export async function leaderHas(
  { api, clock }: Pick<NatsContext, 'api' | 'clock'>,
  stream: string,
  seq: number,
): Promise<void> {
  for (let looks = 1; (await api.newest(stream)) < seq; looks++) {
    if (looks === mostLooks) throw notShown(stream, seq);
    await new Promise<void>((resolve) => clock.after(looks * betweenLooksMs, resolve));
  }
}
