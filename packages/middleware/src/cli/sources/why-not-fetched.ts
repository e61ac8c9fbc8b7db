/** What is to be done about what `fetch` says; its texts are undici's. */
const waysOut: readonly (readonly [said: RegExp, wayOut: (url: URL) => string])[] = [
  [
    /^bad port$/,
    ({ port }) =>
      `fetch connects to no port ${port}, which the Fetch standard keeps for another protocol; serve it on another port or behind a proxy, or export the ledger where it is and give tiles:DIRECTORY`,
  ],
  [
    /redirect/,
    () =>
      'it redirects, and the token would go along: give the URL that it leads to, if that is whom you meant',
  ],
  [/certificate|self.signed/, () => 'its certificate is not trusted: NODE_EXTRA_CA_CERTS names one that is'],
];

/** Why a URL was not fetched, and what to do where that is known: from what `fetch` rejected with. */
export function whyNotFetched(error: unknown, url: URL): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const said = cause instanceof Error ? cause.message : String(cause);
  const known = waysOut.find(([pattern]) => pattern.test(said));
  return known === undefined ? said : `${said} (${known[1](url)})`;
}
