/**
 * A process that never answers requests which defer parts, and kills itself as soon as a request whose success it told has failed:
 * started by parts-crash.test.ts with a directory. Prints its address, and where a handler would have answered.
 */
import { openPartsShop } from '../parts-shop.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const shop = await openPartsShop(process.argv[2] ?? '', say);
shop.gate.on('deferral', ({ type }) => {
  if (type === 'failed') process.kill(process.pid, 'SIGKILL');
});
say(shop.url);
process.stdin.on('end', () => process.exit()).resume();
