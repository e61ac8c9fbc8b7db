/** The few sentences of DER (ITU-T X.690) that a certificate is written in. */

/** Any element, by its tag's byte. */
export function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), length(content.length), content]);
}

export function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, ...parts);
}

export function set(...parts: readonly Buffer[]): Buffer {
  return element(0x31, ...parts);
}

/** An object identifier whose bytes are given in hex. */
export function objectId(hex: string): Buffer {
  return element(0x06, Buffer.from(hex, 'hex'));
}

/** A number given as its bytes, the highest first and below 0x80. */
export function integer(bytes: Uint8Array): Buffer {
  return element(0x02, Buffer.from(bytes));
}

export function boolean(value: boolean): Buffer {
  return element(0x01, Buffer.from([value ? 0xff : 0]));
}

export function utf8(text: string): Buffer {
  return element(0x0c, Buffer.from(text));
}

export function octets(bytes: Buffer): Buffer {
  return element(0x04, bytes);
}

export function bits(bytes: Buffer): Buffer {
  const unusedBits = Buffer.from([0]);
  return element(0x03, unusedBits, bytes);
}

/** A second between 1950 and 2049, from Unix time in milliseconds. */
export function time(atMs: number): Buffer {
  const [date = ''] = new Date(atMs).toISOString().slice(2).split('.');
  return element(0x17, Buffer.from(`${date.replaceAll(/[-:T]/g, '')}Z`));
}

function length(size: number): Buffer {
  if (size < 0x80) return Buffer.from([size]);
  const digits = size.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}
