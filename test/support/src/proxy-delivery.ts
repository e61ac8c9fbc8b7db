import type { Socket } from 'node:net';

/** What the network is like. */
export interface Weather {
  delayMs: number;
  readonly stalled: { requests: boolean; answers: boolean };
  /** Called when it has become better. */
  readonly cleared: Set<() => void>;
}

type Parcel = Buffer | 'end' | 'reset';

/** More than this on its way, and the sender has to wait, as with a real network. */
const onTheWayBytes = 1024 * 1024;

/** Carries what `from` says, and how it ends, to `to`: in order, as the weather lets it. */
export function deliver(from: Socket, to: Socket, weather: Weather, direction: 'requests' | 'answers'): void {
  const underWay: { readonly parcel: Parcel; readonly dueAt: number }[] = [];
  let bytesUnderWay = 0;
  let timer: NodeJS.Timeout | undefined;

  function take(parcel: Parcel): void {
    underWay.push({ parcel, dueAt: performance.now() + weather.delayMs });
    bytesUnderWay += bytesOf(parcel);
    if (bytesUnderWay > onTheWayBytes) from.pause();
    carry();
  }

  function carry(): void {
    clearTimeout(timer);
    while (!weather.stalled[direction] && !to.writableNeedDrain) {
      const next = underWay[0];
      if (next === undefined) break;
      const restMs = next.dueAt - performance.now();
      if (restMs > 0) {
        timer = setTimeout(carry, restMs).unref();
        return;
      }
      underWay.shift();
      bytesUnderWay -= bytesOf(next.parcel);
      hand(next.parcel, to);
    }
    if (bytesUnderWay <= onTheWayBytes) from.resume();
  }

  from.on('data', take);
  from.once('end', () => take('end'));
  from.once('close', () => {
    if (!from.readableEnded) take('reset');
  });
  to.on('drain', carry);
  to.once('close', () => {
    clearTimeout(timer);
    weather.cleared.delete(carry);
  });
  weather.cleared.add(carry);
}

function hand(parcel: Parcel, to: Socket): void {
  if (parcel === 'end') to.end();
  else if (parcel === 'reset') to.resetAndDestroy();
  else to.write(parcel);
}

function bytesOf(parcel: Parcel): number {
  return typeof parcel === 'string' ? 0 : parcel.length;
}
