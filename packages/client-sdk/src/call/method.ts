import type { AxiosRequestConfig } from 'axios';

/** One text for all calls of a method, not one for each: ten thousand may wait. */
const names = new Map(
  ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'].flatMap((name) => [
    [name.toLowerCase(), name],
    [name, name],
  ]),
);

/** The method of a config, upper case. */
export function methodOf({ method = 'get' }: Pick<AxiosRequestConfig<unknown>, 'method'>): string {
  return names.get(method) ?? method.toUpperCase();
}
