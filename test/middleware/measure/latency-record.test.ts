import { describe, expect, it } from 'vitest';
import {
  formatRecord,
  type PartitionValue,
  parseRecord,
  recordLimits,
} from '../../../packages/middleware/src/measure/latency-record.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('what one host tells the others', () => {
  it('is one small record, in ms to the microsecond', () => {
    const record = formatRecord([
      ['orders', 12.3456],
      ['payments', 3],
    ]);
    expect(new TextDecoder().decode(record)).toBe('{"v":1,"values":[["orders",12.346],["payments",3]]}');
    expect(record && parseRecord(record)).toEqual([
      ['orders', 12.346],
      ['payments', 3],
    ]);
  });

  it('says nothing of partitions without a value, and is not written where there is none to tell', () => {
    expect(
      formatRecord([
        ['new', Number.NaN],
        ['stuck', Number.POSITIVE_INFINITY],
      ]),
    ).toBeUndefined();
    const record = formatRecord([
      ['new', Number.NaN],
      ['orders', 1],
    ]);
    expect(record && parseRecord(record)).toEqual([['orders', 1]]);
  });

  it('survives whatever a partition is called', () => {
    const values: PartitionValue[] = ['__proto__', 'a"b\\c', '\u0000', '\u{1f30a}', 'é'].map((name) => [
      name,
      1,
    ]);
    const record = formatRecord(values);
    expect(record && parseRecord(record)).toEqual(values);
  });

  it('stays within its bounds with the most partitions of the longest names', () => {
    const names = Array.from({ length: 1_000 }, (_, index) => String(index).padEnd(200, '\u0001'));
    const record = formatRecord([...names, 'x'.repeat(201)].map((name) => [name, 12_345.678]));
    expect(record?.byteLength).toBeLessThan(recordLimits.bytes);
    expect(record && parseRecord(record)).toHaveLength(recordLimits.partitions);
    expect(formatRecord([['x'.repeat(201), 1]])).toBeUndefined();
  });
});

describe('a record that somebody else may have written', () => {
  it.each([
    '',
    'null',
    '[]',
    '{"v":2,"values":[]}',
    '{"v":1}',
    '{"v":1,"values":{"orders":1}}',
    '{"v":1,"values":["orders"]}',
    '{"v":1,"values":[["orders"]]}',
    '{"v":1,"values":[["orders",1,2]]}',
    '{"v":1,"values":[["orders","1"]]}',
    '{"v":1,"values":[["orders",-1]]}',
    '{"v":1,"values":[["orders",1e999]]}',
    '{"v":1,"values":[["orders",null]]}',
    '{"v":1,"values":[["",1]]}',
    '{"v":1,"values":[[1,1]]}',
    `{"v":1,"values":[${'["orders",1],'.repeat(recordLimits.partitions)}["orders",1]]}`,
    `${' '.repeat(recordLimits.bytes)}{"v":1,"values":[]}`,
  ])('is not believed in part: %.60s', (text) => {
    expect(parseRecord(bytesOf(text))).toBeUndefined();
  });

  it('is not read where it is no UTF-8', () => {
    expect(parseRecord(Uint8Array.of(0xff, 0xfe))).toBeUndefined();
  });
});
