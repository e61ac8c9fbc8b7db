import type { Request } from 'express';
import { type DecisionFilter, DecisionRing, type KeptDecision } from '../answer/decision-ring.ts';
import { grantedTo } from '../answer/resources/access.ts';
import type { VerifyToken } from '../audit/verify-token.ts';
import { systemClock as clock } from '../clock.ts';
import type { DecisionEvent } from '../options/gate-events.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import type { ResolvedOptions } from '../options/resolved.ts';

/** Who hears how requests were decided: listeners, those who look back, and callers. */
export interface DecisionTelling {
  /** Whether anybody does. */
  areHeard(): boolean;
  tell(event: DecisionEvent): void;
  /** Whether the caller of a request does. */
  explainsTo(req: Request): boolean;
  list(filter?: DecisionFilter): readonly KeptDecision[];
}

/** Makes the place where decisions are told. */
export function tellDecisions(
  { explain, keepDecisions }: Pick<ResolvedOptions, 'explain' | 'keepDecisions'>,
  { isHeard, tell }: Pick<GateVoice, 'isHeard' | 'tell'>,
  verifyToken: VerifyToken | undefined,
): DecisionTelling {
  const ring = new DecisionRing(keepDecisions);
  const always = ring.keeps || explain !== 'off';
  return {
    areHeard: () => always || isHeard('decision'),
    tell(event) {
      ring.add(event, clock.wallNow());
      tell('decision', event);
    },
    explainsTo(req) {
      if (explain !== 'scope') return explain === 'on';
      const scopes = grantedTo(verifyToken, req)?.scopes;
      return scopes?.has('audit:read') === true || scopes?.has('admin') === true;
    },
    list: (filter) => ring.list(filter),
  };
}
