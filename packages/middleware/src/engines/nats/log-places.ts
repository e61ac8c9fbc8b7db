import type { Api } from './api.ts';
import { type Anchor, knownAnchor } from './log-frame.ts';
import type { LogTail } from './log-tail.ts';

/** Within so many messages of a place, reading on is quicker than asking again. */
const closeBy = 256;
const mostQuestions = 48;

/**
 * A place at or before a position, close by it: found like a word in a dictionary, by opening at the likely page and
 * reading there which page it is. A few questions for a log of any length; what was learned is kept.
 */
export async function findPlace(api: Api, stream: string, tail: LogTail, position: number): Promise<Anchor> {
  const resumed = tail.resume(position);
  if (resumed !== undefined) return resumed;
  let before = tail.around(position).before ?? { seq: 1, position: 0 };
  let behind = tail.around(position).behind;
  for (let i = 0; behind.seq - before.seq > closeBy && i < mostQuestions; i++) {
    const seq = i % 2 === 0 ? likely(before, behind, position) : Math.floor((before.seq + behind.seq) / 2);
    const place = knownAnchor((await api.at(stream, seq))?.headers);
    if (place === undefined || place.seq > seq || place.seq <= before.seq) {
      // A message that says nothing new; the other way of choosing comes next.
      if (i % 2 === 1) break;
      continue;
    }
    tail.learn(place);
    if (place.position <= position) before = place;
    else behind = place;
  }
  return before;
}

function likely(before: Anchor, behind: Anchor, position: number): number {
  const share = (position - before.position) / Math.max(1, behind.position - before.position);
  const seq = before.seq + Math.floor(share * (behind.seq - before.seq));
  return Math.min(behind.seq - 1, Math.max(before.seq + 1, seq));
}
