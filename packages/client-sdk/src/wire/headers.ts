import type { AxiosResponse } from 'axios';

/** A response header as text; undefined where it is absent. */
export function headerOf(
  response: Pick<AxiosResponse<unknown>, 'headers'>,
  name: string,
): string | undefined {
  const wanted = name.toLowerCase();
  for (const [key, value] of Object.entries(response.headers ?? {})) {
    if (key.toLowerCase() !== wanted) continue;
    const text: unknown = Array.isArray(value) ? value[0] : value;
    return typeof text === 'string' || typeof text === 'number' ? String(text) : undefined;
  }
  return undefined;
}
