// time

export type { Runtime } from '../runtime.ts';
export { type FakeClock, type FakeClockOptions, fakeClock } from './fake-clock.ts';
// its ledger
export { type ForgedRequest, type ProofForger, proofForger } from './proof-forger.ts';
// the other end
export { type RetryLaterFacts, replies } from './replies.ts';
export {
  type ScriptedReply,
  type ScriptedRequest,
  type ScriptedServer,
  scriptedServer,
} from './scripted-server.ts';
