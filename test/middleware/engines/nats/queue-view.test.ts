import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { QueuedItem } from '../../../../packages/middleware/src/engines/nats/queue-message.ts';
import { type QueueChange, QueueView } from '../../../../packages/middleware/src/engines/nats/queue-view.ts';

const dayMs = 86_400_000;
const partition = 'p';

const item = (id: string, more: Partial<QueuedItem> = {}): QueuedItem => ({
  id,
  partition,
  priority: 1,
  position: Number(id.slice(1)),
  state: 'live',
  until: 0,
  token: 0,
  ...more,
});
const arrival = (seq: number, ids: readonly string[], at = 0): QueueChange => ({
  items: ids.map((id) => item(id)),
  seq,
  subject: `arrived.${seq}`,
  at,
});
const claimed = (seq: number, id: string, replaces: number): QueueChange => ({
  item: item(id, { until: 1_000, holder: 'h', token: replaces }),
  seq,
  replaces,
});
const settled = (seq: number, id: string, replaces: number, until = dayMs): QueueChange => ({
  item: item(id, { state: 'settled', until }),
  seq,
  replaces,
});
const due = (view: QueueView): string[] => view.take(partition, 10, 5, 10).map((one) => one.item.id);

let view: QueueView;

beforeEach(() => {
  view = new QueueView();
});

afterEach(() => view.close());

describe('a host’s view of the queue', () => {
  it('has the items of an arrival, and of two arrivals with one id the first', () => {
    view.apply([arrival(1, ['i1', 'i2']), arrival(2, ['i2', 'i3'])]);
    expect(due(view)).toEqual(['i1', 'i2', 'i3']);
    expect(view.find('i2')).toMatchObject({ seq: 1, arrival: 1 });
    expect(view.find('i3')).toMatchObject({ seq: 2, arrival: 2 });
  });

  it('keeps names apart that differ only in what JSON escapes', () => {
    const named = ['a', 'a\0b', 'a\0c', '"', '\\', 'ä'];
    const items = named.map((id, position) => ({ ...item('i1'), id, position }));
    view.apply([{ items, seq: 1, subject: 'arrived.1', at: 0 }]);
    view.apply([{ items, seq: 2, subject: 'arrived.2', at: 0 }]);
    expect([...view.known([...named, 'a\0d'])].map(([id]) => id).toSorted()).toEqual(named.toSorted());
    expect(due(view)).toEqual(named);
  });

  it('takes of two claims of an item that has just arrived the first', () => {
    view.apply([arrival(1, ['i1']), claimed(2, 'i1', 1), claimed(3, 'i1', 1)]);
    expect(view.find('i1')).toMatchObject({ seq: 2, item: { token: 1 } });
  });

  it('lets an arrival go when each of its items has a message of its own, and not before', () => {
    view.apply([arrival(1, ['i1', 'i2']), claimed(2, 'i1', 1), settled(3, 'i1', 2)]);
    expect(view.spentArrivals(10)).toEqual([]);
    view.apply([claimed(4, 'i2', 1)]);
    expect(view.spentArrivals(10)).toEqual([{ seq: 1, subject: 'arrived.1' }]);
    view.forgetArrival(1);
    expect(view.spentArrivals(10)).toEqual([]);
    expect(view.find('i2')).toMatchObject({ seq: 4 });
  });

  it('lets an arrival go that brought nothing new', () => {
    view.apply([arrival(1, ['i1']), arrival(2, ['i1'])]);
    expect(view.spentArrivals(10)).toEqual([{ seq: 2, subject: 'arrived.2' }]);
  });

  it('keeps what ended as long as an arrival in the stream has it, whichever one brought it', () => {
    view.apply([arrival(1, ['i1', 'i2']), arrival(2, ['i1', 'i3']), claimed(3, 'i1', 1)]);
    view.apply([settled(4, 'i1', 3, 100)]);
    const ended = (): string[] => view.ended(200, 10).map((one) => one.item.id);
    expect(ended()).toEqual([]);
    view.forgetArrival(1);
    expect(ended()).toEqual([]);
    view.forgetArrival(2);
    expect(ended()).toEqual(['i1']);
  });

  it('is the same for who reads the stream after arrivals were taken out of it', () => {
    const late = new QueueView();
    const rest = [claimed(3, 'i1', 1), claimed(4, 'i2', 1), settled(5, 'i1', 3)];
    view.apply([arrival(1, ['i1', 'i2']), arrival(2, ['i2']), ...rest]);
    late.apply(rest);
    for (const id of ['i1', 'i2']) expect(late.find(id)?.item).toEqual(view.find(id)?.item);
    late.close();
  });

  it('takes an id in again when it was settled more than its time ago, by the time of the server, or removed', () => {
    view.apply([arrival(1, ['i1', 'i2']), claimed(2, 'i1', 1), settled(3, 'i1', 2, 1_000)]);
    view.apply([arrival(4, ['i1'], 999)]);
    expect(view.find('i1')?.item.state).toBe('settled');
    view.apply([arrival(5, ['i1'], 1_000)]);
    expect(view.find('i1')).toMatchObject({ seq: 5, arrival: 5, item: { state: 'live' } });
    view.apply([{ item: item('i2', { state: 'removed', until: dayMs }), seq: 6, replaces: 1 }]);
    view.apply([arrival(7, ['i2'], 0)]);
    expect(due(view)).toEqual(['i1', 'i2']);
  });

  it('lets nothing that lost against a removal take the item that came again', () => {
    view.apply([arrival(1, ['i1'])]);
    view.apply([{ item: item('i1', { state: 'removed', until: dayMs }), seq: 2, replaces: 1 }]);
    view.apply([arrival(3, ['i1']), claimed(4, 'i1', 1)]);
    expect(view.find('i1')).toMatchObject({ seq: 3 });
    view.apply([claimed(5, 'i1', 3)]);
    expect(view.find('i1')).toMatchObject({ seq: 5, item: { token: 3 } });
  });

  it('never takes a dead-lettered id in again', () => {
    view.apply([arrival(1, ['i1']), claimed(2, 'i1', 1)]);
    view.apply([{ item: item('i1', { state: 'dead', until: 100 }), seq: 3, replaces: 2 }]);
    view.apply([arrival(4, ['i1'], dayMs)]);
    expect(due(view)).toEqual([]);
  });
});
