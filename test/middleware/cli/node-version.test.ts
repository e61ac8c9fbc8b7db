import { expect, it } from 'vitest';
import middleware from '../../../packages/middleware/package.json' with { type: 'json' };
import { oldestNode, refusalOfNode } from '../../../packages/middleware/src/cli/node-version.ts';

it('tells on an older Node which one the commands need', () => {
  expect(refusalOfNode('20.20.2')).toBe('this is Node 20.20.2; Node 22.13.0 or newer is needed');
  expect(refusalOfNode('22.12.0')).toContain('22.13.0');
});

it.each(['22.13.0', '22.20.1', '23.0.0', '24.21.0', '24.0.0-nightly20250101'])(
  'lets commands run on Node %s',
  (version) => {
    expect(refusalOfNode(version)).toBeUndefined();
  },
);

it('asks for the Node that the package asks for', () => {
  expect(`>=${oldestNode}`).toBe(`${middleware.engines.node}.0`);
});
