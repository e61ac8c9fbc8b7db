import { describe, expect, it } from 'vitest';
import { EventReader } from '../../../packages/client-sdk/src/wire/event-stream.ts';

const eventsIn = (...pieces: readonly string[]): readonly string[] => {
  const reader = new EventReader();
  return pieces.flatMap((piece) => [...reader.read(piece)].map(({ data }) => data));
};

describe('a stream of events', () => {
  it('is read however it is cut into pieces, with comments and fields that are not known', () => {
    const text = 'retry: 1500\n:hello\nid: 7\ndata: {"a":\ndata: 1}\n\nmood: fine\r\ndata:x\r\n\r\n';
    const whole = eventsIn(text);
    expect(whole).toEqual(['{"a":\n1}', 'x']);
    expect(eventsIn(...text)).toEqual(whole);
    const reader = new EventReader();
    expect([...reader.read(text)].map(({ retryMs }) => retryMs)).toEqual([1_500, 1_500]);
  });

  it('is refused where an event has no end, in one line or in many', () => {
    expect(() => eventsIn(`data: ${'x'.repeat(3_000_000)}`)).toThrow(RangeError);
    expect(() => eventsIn(...Array<string>(40).fill(`data: ${'x'.repeat(100_000)}\n`))).toThrow(RangeError);
    expect(eventsIn(...Array<string>(40).fill(`data: ${'x'.repeat(100_000)}\n\n`))).toHaveLength(40);
  });
});
