/** Starts a server, a proxy in front of it, and says where they are. With `--stay` it does not go by itself. */
import { startNats } from '@slackwater/test-support/nats';
import { startProxy } from '@slackwater/test-support/proxy';

const nats = await startNats();
const proxy = await startProxy(nats.servers[0] ?? '');
if (process.argv.includes('paused')) await nats.pause();
process.stdout.write(
  JSON.stringify({ servers: [...nats.servers, proxy.address], directories: [nats.storeDirectory] }),
);
if (process.argv.includes('--stay')) setInterval(() => {}, 1_000);
