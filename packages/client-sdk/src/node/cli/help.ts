/** What `--help` prints. */
export const helpText = `slackwater-client <command> [options]

  call METHOD URL          sends a request and prints its final answer, deferred or not
  wait URL|ID              follows a deferral to its end and prints its outcome
  resume [TOKEN|-]         the same, by the text that "call --begin" or a poller gave (- reads it from standard input)
  verify ID                proves that a deferral is in the ledger, and that the ledger was never rewritten
  audit                    lists deferrals, one line of JSON each

  --base URL               where the application is (wait and verify by id, audit)
  --header 'Name: value'   a header of every request; may be there several times
  --data TEXT|@FILE|@-     call: the body; JSON unless a Content-Type is given
  --key TEXT               call: the Idempotency-Key
  --begin                  call: prints the text that "resume" takes as soon as the request is deferred, and ends
  --keeps-keys             call: the server does a request with a key once, also when its answer was lost
  --deadline SECONDS       how long it may take in all (default 120)
  --verifier-key KEY       a C2SP verifier key of the ledger; may be there several times
  --receipts DIRECTORY     where receipts and signed heads are kept (default: nowhere)
  --filter NAME=VALUE      audit: status, partition, workType, requester, createdFrom, ...; may be there several times
  --verbose                tells of each step on standard error
  --help                   prints this

The environment variable SLACKWATER_TOKEN is sent as a bearer token. A token of resume opens the deferral: keep it like a password.

Exit codes: 0 done; 1 the answer is an error, or it could not be done; 2 what was typed can't be meant;
3 verify: it does not hold; 4 not finished by the deadline or interrupted: standard error says how to go on.
`;
