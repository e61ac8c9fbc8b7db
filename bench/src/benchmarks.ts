import { acceptance } from './acceptance/acceptance.ts';
import { audit } from './audit/audit.ts';
import type { Benchmark } from './benchmark.ts';
import { brownout } from './brownout/brownout.ts';
import { decision } from './decision/decision.ts';
import { drain } from './drain/drain.ts';
import { driver } from './driver/driver.ts';
import { engine } from './engine/postgres-engine.ts';
import { growth } from './growth/growth.ts';
import { ledger } from './ledger/ledger.ts';
import { operations } from './operations/operations.ts';
import { overhead } from './overhead/overhead.ts';
import { queue } from './queue/queue.ts';
import { route } from './route/route.ts';
import { sdk } from './sdk/sdk.ts';
import { shared } from './shared/shared.ts';
import { steps } from './steps/steps.ts';
import { verifying } from './verify/verify.ts';
import { workflows, workflowsOnSqlite } from './workflows/workflows.ts';

/** All that there are, in the order in which they are taken. */
export const benchmarks: readonly Benchmark[] = [
  brownout,
  overhead,
  route,
  driver,
  acceptance,
  decision,
  steps,
  growth,
  drain,
  shared,
  engine,
  queue,
  ledger,
  audit,
  verifying,
  operations,
  workflows,
  workflowsOnSqlite,
  sdk,
];
