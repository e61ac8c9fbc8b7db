import fc from 'fast-check';

/** An object of which nothing can be read. */
export function unreadable(target: object = {}): object {
  const refuse = (): never => {
    throw new Error('hostile');
  };
  return new Proxy(target, { get: refuse, has: refuse, ownKeys: refuse, getOwnPropertyDescriptor: refuse });
}

function detached(): Uint8Array {
  const bytes = new Uint8Array(32);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
}

/** Values that look like something else, or are far too large, or can't be read. */
export const hostileValues: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  -1,
  -0,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  2 ** 64,
  1n,
  '',
  '0',
  'AAAA',
  '\ud800',
  Symbol('hostile'),
  () => 0,
  [],
  [[]],
  new Array(2 ** 32 - 1),
  {},
  Object.create(null),
  new Date(0),
  new Uint8Array(0),
  new Uint8Array(31),
  new Uint8Array(32),
  new Uint8Array(33),
  new Uint16Array(32),
  new DataView(new ArrayBuffer(32)),
  { length: 32 },
  unreadable(),
  unreadable([]),
  unreadable(new Uint8Array(32)),
  detached(),
  new Proxy(new Uint8Array(32), {}),
  Object.defineProperty(new Uint8Array(32), 'length', { value: 1e9 }),
  {
    get length(): number {
      throw new Error('hostile');
    },
  },
];

/** Anything fast-check thinks of; {@link hostileValues} are apart, for it can't look at all of them. */
export const anything: fc.Arbitrary<unknown> = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withSparseArray: true,
  withTypedArray: true,
});
