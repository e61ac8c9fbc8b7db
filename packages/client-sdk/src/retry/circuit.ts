/**
 * A circuit breaker whose delay is the server's own: open until the time that it gave, then one call goes ahead, and the rest follow
 * as answers come, twice as many at once for each. Times in milliseconds of a clock that never runs backwards.
 */
export type Circuit =
  | { readonly state: 'closed' }
  | { readonly state: 'open'; readonly untilMs: number }
  | {
      readonly state: 'half-open';
      /** How many may be under way at once. */
      readonly limit: number;
      /** When those under way were admitted. */
      readonly admittedAtMs: readonly number[];
    };

/** What a call that wants to be sent is told. */
export type Admission =
  | { readonly admitted: true; readonly circuit: Circuit }
  /** `againAtMs`: when asking again may help, if no answer comes before. */
  | { readonly admitted: false; readonly circuit: Circuit; readonly againAtMs: number };

/** The circuit of a lane that nothing is known of. */
export const closedCircuit: Circuit = { state: 'closed' };

/** How long one call that goes ahead keeps the others waiting, where no answer comes. */
export const probeTimeoutMs = 2_000;

/** As many at once as a lane ever lets through while others wait in it. */
export const mostAtOnce = 64;

/** Whether a call may be sent now. Pure. */
export function admit(circuit: Circuit, nowMs: number): Admission {
  switch (circuit.state) {
    case 'closed':
      return { admitted: true, circuit };
    case 'open':
      if (nowMs < circuit.untilMs) return { admitted: false, circuit, againAtMs: circuit.untilMs };
      return { admitted: true, circuit: { state: 'half-open', limit: 1, admittedAtMs: [nowMs] } };
    case 'half-open': {
      const underWay = circuit.admittedAtMs.filter((atMs) => nowMs - atMs < probeTimeoutMs);
      if (underWay.length < circuit.limit) {
        return { admitted: true, circuit: { ...circuit, admittedAtMs: [...underWay, nowMs] } };
      }
      return { admitted: false, circuit, againAtMs: Math.min(...underWay) + probeTimeoutMs };
    }
    default:
      return circuit satisfies never;
  }
}

/** After an answer that was no refusal, to a call admitted at that time. Pure. */
export function afterAnswer(circuit: Circuit, admittedAtMs: number, othersWait: boolean): Circuit {
  if (circuit.state !== 'half-open' || !circuit.admittedAtMs.includes(admittedAtMs)) return circuit;
  const limit = circuit.limit * 2;
  if (limit > mostAtOnce && !othersWait) return closedCircuit;
  const rest = without(circuit.admittedAtMs, admittedAtMs);
  return { state: 'half-open', limit: Math.min(limit, mostAtOnce), admittedAtMs: rest };
}

/** After a call that ended without a word of the server: its place is free again. Pure. */
export function afterSilence(circuit: Circuit, admittedAtMs: number): Circuit {
  if (circuit.state !== 'half-open') return circuit;
  return { ...circuit, admittedAtMs: without(circuit.admittedAtMs, admittedAtMs) };
}

/**
 * After a refusal that says when to come back. Of several that were under way together the earliest time counts, for somebody has
 * that place. A refusal of a call that was sent before the circuit was open says nothing new once others go ahead. Pure.
 */
export function afterRefusal(circuit: Circuit, admittedAtMs: number, untilMs: number): Circuit {
  switch (circuit.state) {
    case 'closed':
      return { state: 'open', untilMs };
    case 'open':
      return { state: 'open', untilMs: Math.min(circuit.untilMs, untilMs) };
    case 'half-open':
      return circuit.admittedAtMs.includes(admittedAtMs) ? { state: 'open', untilMs } : circuit;
    default:
      return circuit satisfies never;
  }
}

function without(times: readonly number[], one: number): readonly number[] {
  const at = times.indexOf(one);
  return at < 0 ? times : times.toSpliced(at, 1);
}
