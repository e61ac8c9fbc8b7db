import { PartRefusedError } from './part-error.ts';

/** A payload as the ledger keeps it: JSON, UTF-8. Throws `part-refused` where there is none, and where it is too large. */
export function partPayload(name: string, payload: unknown, maxBytes: number): Uint8Array {
  const json = jsonOf(name, payload);
  const bytes = Buffer.from(json, 'utf8');
  if (bytes.byteLength <= maxBytes) return bytes;
  throw new PartRefusedError(
    name,
    `its payload has ${grouped(bytes.byteLength)} bytes as JSON, and maxBodyBytes is ${grouped(maxBytes)}; raise that, or store it and defer a reference`,
  );
}

function jsonOf(name: string, payload: unknown): string {
  try {
    const json = JSON.stringify(payload) as string | undefined;
    if (json !== undefined) return json;
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    throw new PartRefusedError(name, `JSON has no text for its payload (${why}); give plain values`);
  }
  throw new PartRefusedError(name, `JSON has no text for its payload, ${typeof payload}; give null for none`);
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
