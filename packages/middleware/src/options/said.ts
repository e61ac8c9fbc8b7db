const longest = 60;

/** A value as messages quote it, with what it is: `"200" is a string`. Never throws, never long. */
export function said(value: unknown): string {
  try {
    return describe(value);
  } catch {
    return 'this is an object that can not be read';
  }
}

/** A text in quotes, cut off where it is long. */
export function quoted(text: string): string {
  const whole = JSON.stringify(text);
  return whole.length <= longest ? whole : `${whole.slice(0, longest)}...`;
}

function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value === '' ? '"" is an empty string' : `${quoted(value)} is a string`;
    case 'number':
      return Number.isNaN(value) ? 'NaN is not a number' : `${value} is a number`;
    case 'bigint':
      return `${quoted(String(value)).slice(1, -1)}n is a bigint`;
    case 'symbol':
      return 'this is a symbol';
    case 'function':
      return 'this is a function';
    case 'object':
      return value === null ? 'null is no value here' : describeObject(value);
    default:
      return `${value} is ${value === undefined ? 'no value here' : 'a boolean'}`;
  }
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return value.length === 0 ? '[] is an empty array' : 'this is an array';
  const maker: unknown = value.constructor;
  const name = typeof maker === 'function' && maker !== Object ? maker.name : '';
  return name === '' ? 'this is an object' : `this is an object of the class ${name.slice(0, longest)}`;
}
