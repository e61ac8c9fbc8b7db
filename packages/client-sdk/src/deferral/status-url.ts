import { AnswerMalformedError, ParameterRefusedError, StatusUrlForeignError } from '../errors/trust.ts';

/** A deferral's id inside the path of its status URL. */
const statusPath = /\/deferrals\/([0-7][0-9A-HJKMNP-TV-Z]{25})(?=\/|$)/;
const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Whether a text is a ULID. */
export function isDeferralId(text: string): boolean {
  return ulid.test(text);
}

/** The deferral that a status URL belongs to; undefined where it isn't one. */
export function deferralIdOf(url: string): string | undefined {
  return statusPath.exec(url.split(/[?#]/, 1)[0] ?? '')?.[1];
}

/**
 * Resolves a URL that a server pointed to and refuses it unless its origin may see the caller's credentials.
 *
 * @throws StatusUrlForeignError for another origin, or another scheme than http and https;
 * AnswerMalformedError for what is no URL.
 */
export function trustedUrl(location: string, base: URL, allowedOrigins: readonly string[]): URL {
  if (!URL.canParse(location, base.href)) {
    throw new AnswerMalformedError(`the server pointed to what is no URL, ${location.slice(0, 200)}`);
  }
  const url = new URL(location, base.href);
  const allowed = [base.origin, ...allowedOrigins];
  // Credentials in the URL would replace the caller's, and file: and data: have no origin to compare.
  if (!/^https?:$/.test(url.protocol) || !allowed.includes(url.origin)) {
    throw new StatusUrlForeignError(url.origin === 'null' ? url.protocol : url.origin, allowed);
  }
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

/** An absolute URL; a relative one is resolved against `baseURL`, and that against the page in a browser. */
export function absoluteUrl(url: string, baseURL?: string): URL {
  const page: unknown = Reflect.get(globalThis, 'location');
  const pageUrl = typeof page === 'object' && page !== null && 'href' in page ? String(page.href) : undefined;
  const base =
    baseURL !== undefined && URL.canParse(baseURL, pageUrl) ? new URL(baseURL, pageUrl).href : pageUrl;
  if (!URL.canParse(url, base)) {
    throw new ParameterRefusedError(`${url.slice(0, 200)} is no absolute URL; give the client a baseURL`);
  }
  return new URL(url, base);
}
