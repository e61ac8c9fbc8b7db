import { describe, expect, it } from 'vitest';
import { readArguments } from '../../bench/src/arguments.ts';

const names = ['route', 'ledger'];

describe('what npm run bench is asked for', () => {
  it('is everything, or what was named', () => {
    expect(readArguments([], names)).toEqual({
      ...{ help: false, quick: false, json: false, save: false, only: [], entries: undefined },
    });
    expect(readArguments(['ledger', '--json', '--entries', '20000', 'route', '--save'], names)).toEqual({
      ...{ help: false, quick: false, json: true, save: true, only: ['ledger', 'route'], entries: 20_000 },
    });
  });

  it.each([
    [['router'], 'There is no benchmark "router"; there are route, ledger.'],
    [['--only', 'route'], "Unknown option '--only'"],
    [['--entries', '1e9.5'], '--entries 1e9.5: give a whole number from 10000 on.'],
    [['--quick=yes'], '--help lists what there is.'],
  ])('is refused in one sentence where it is not understood: %j', (given, message) => {
    expect(() => readArguments(given, names)).toThrow(message);
  });
});
