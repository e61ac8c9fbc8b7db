/** What `--help` prints. */
export const help = `The shop on three hosts behind a load balancer, its ledger on three NATS servers; one of each is killed.

  npm run demo:cluster                     shows it, verifies the ledger, ends by itself after about a minute
  npm run demo:cluster -- --short          the same in about half of that
  npm run demo:cluster -- --serve          keeps all of it open until Ctrl-C, to be tried with curl
  npm run demo:cluster -- --serve --port 3000
  npm run demo:cluster -- --help

In a terminal it draws a live view; piped, or with TERM=dumb, it prints plain lines. NO_COLOR is honoured.
It needs nats-server on the PATH; as root on Debian or Ubuntu it installs it. The last line of a demo is one JSON
object; examples/cluster/README.md says what it counts.
`;
