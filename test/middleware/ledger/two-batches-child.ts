// Sends two batches, the second sealed behind the first, and is killed at the instant at which the first is durable: before the
// second went to the engine ("held"), or with both there.
import { oneBatch, openSealing, someEntries } from './two-batches.ts';

const [directory = '', second] = process.argv.slice(2);
let calls = 0;
const { chain } = await openSealing(directory, (real) => async (...args) => {
  calls += 1;
  if (calls === 1) {
    await real(...args);
    process.kill(process.pid, 'SIGKILL');
  }
  return second === 'held' ? new Promise(() => {}) : real(...args);
});
await Promise.all([chain.appendSealed(someEntries(oneBatch)), chain.appendSealed(someEntries(oneBatch))]);
