import { describe, expect, it } from 'vitest';
import {
  admit,
  afterAnswer,
  afterRefusal,
  afterSilence,
  type Circuit,
  closedCircuit,
  mostAtOnce,
  probeTimeoutMs,
} from '../../../packages/client-sdk/src/retry/circuit.ts';

const open = (untilMs: number): Circuit => ({ state: 'open', untilMs });
const halfOpen = (limit: number, ...admittedAtMs: number[]): Circuit => ({
  state: 'half-open',
  limit,
  admittedAtMs,
});

describe('the circuit of a lane', () => {
  it('lets everything through while it is closed', () => {
    expect(admit(closedCircuit, 5)).toEqual({ admitted: true, circuit: closedCircuit });
  });

  it('opens by a refusal, for as long as the server asks', () => {
    const circuit = afterRefusal(closedCircuit, 0, 1_000);
    expect(admit(circuit, 999)).toEqual({ admitted: false, circuit, againAtMs: 1_000 });
    expect(admit(circuit, 1_000)).toEqual({ admitted: true, circuit: halfOpen(1, 1_000) });
  });

  it('goes by the earliest of several refusals, for that place is somebody\u2019s', () => {
    expect(afterRefusal(open(1_000), 0, 700)).toEqual(open(700));
    expect(afterRefusal(open(1_000), 0, 1_700)).toEqual(open(1_000));
  });

  it('lets one go ahead, and twice as many for each answer', () => {
    expect(admit(halfOpen(1, 50), 60)).toMatchObject({ admitted: false, againAtMs: 50 + probeTimeoutMs });
    const answered = afterAnswer(halfOpen(1, 50), 50, true);
    expect(answered).toEqual(halfOpen(2));
    expect(afterAnswer(halfOpen(2, 60, 61), 60, true)).toEqual(halfOpen(4, 61));
  });

  it('never lets more than so many at once through while others wait, and closes when nobody does', () => {
    expect(afterAnswer(halfOpen(mostAtOnce, 1), 1, true)).toEqual(halfOpen(mostAtOnce));
    expect(afterAnswer(halfOpen(mostAtOnce, 1), 1, false)).toEqual(closedCircuit);
  });

  it('opens again when who goes ahead is refused', () => {
    expect(afterRefusal(halfOpen(1, 50), 50, 900)).toEqual(open(900));
  });

  it('learns nothing from calls that were sent before it opened', () => {
    expect(afterRefusal(halfOpen(4, 50), 7, 900)).toEqual(halfOpen(4, 50));
    expect(afterAnswer(halfOpen(4, 50), 7, false)).toEqual(halfOpen(4, 50));
    expect(afterAnswer(open(9), 7, false)).toEqual(open(9));
    expect(afterSilence(open(9), 7)).toEqual(open(9));
  });

  it('gives the place of one that went ahead to the next, where it breaks off or no answer comes', () => {
    expect(afterSilence(halfOpen(1, 50), 50)).toEqual(halfOpen(1));
    expect(admit(halfOpen(1, 50), 50 + probeTimeoutMs)).toMatchObject({ admitted: true });
  });
});
