import { AxiosHeaders, type AxiosResponse } from 'axios';

/** A response header as text; undefined where it is absent. */
export function headerOf(
  { headers }: Pick<AxiosResponse<unknown>, 'headers'>,
  name: string,
): string | undefined {
  const wanted = name.toLowerCase();
  for (const key of Object.keys(headers ?? {})) {
    if (key.length !== wanted.length || key.toLowerCase() !== wanted) continue;
    const value: unknown = headers[key];
    const text: unknown = Array.isArray(value) ? value[0] : value;
    return typeof text === 'string' || typeof text === 'number' ? String(text) : undefined;
  }
  return undefined;
}

/** The same headers once more. What was taken in once need not be looked at again, one by one. */
export function copyOf(headers: AxiosHeaders): AxiosHeaders {
  return Object.assign(new AxiosHeaders(), headers);
}
