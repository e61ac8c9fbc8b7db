import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest, longest first: none of them is to be begun when the others have ended. */
const longest = [
  'test/faults/faults.test.ts',
  'test/middleware/engines/nats/cluster-contract.test.ts',
  'test/crash/crash.test.ts',
  'test/examples/payments/day.test.ts',
  'test/examples/cluster/demo.test.ts',
  'test/examples/shop/demo.test.ts',
  'test/e2e/sharing-nats.test.ts',
  'test/e2e/sharing-postgres.test.ts',
  'test/e2e/sharing-sqlite.test.ts',
  'test/middleware/engines/nats/restarted-server.test.ts',
  'test/crash/chaos/chaos.test.ts',
  'test/packages/packages.test.ts',
  'test/e2e/shared-ledger.test.ts',
  'test/crash/matrix/matrix.test.ts',
  'test/crash/operations/operations-matrix.test.ts',
  'test/middleware/cli/nats.test.ts',
  'test/middleware/engines/postgres/contract.test.ts',
  'test/middleware/engines/nats/contract.test.ts',
  'test/middleware/cli/resume.test.ts',
  'test/e2e/accepted.test.ts',
  'test/e2e/bodies.test.ts',
  'test/middleware/ledger/faults.test.ts',
];

/** Vitest knows how long files take only after a run; a new checkout has had none. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project))];
    const place = ({ project, moduleId }: TestSpecification): number => {
      const at = longest.indexOf(relative(project.config.root, moduleId).replaceAll('\\', '/'));
      // Vitest's order of the projects stays.
      return projects.indexOf(project) * (longest.length + 1) + (at === -1 ? longest.length : at);
    };
    return sorted.sort((a, b) => place(a) - place(b));
  }
}
