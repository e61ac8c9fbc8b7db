/** Slackwater-Decision: a structured dictionary (RFC 8941 section 3.2) that says how a request was decided. */
import { ParameterError } from './parameter-error.ts';

/** What the header can say. */
export interface DecisionHeader {
  readonly decision: 'perform' | 'retry-later' | 'defer';
  /** What would have become of it, in shadow mode. */
  readonly wouldBe?: 'retry-later' | 'defer' | undefined;
  /** Reason codes, the deciding one first. */
  readonly reasons: readonly string[];
  readonly workType: string;
  /** An opaque tag. */
  readonly partition?: string | undefined;
  /** In ms; up to 3 decimals are sent. */
  readonly valueMs?: number | undefined;
  readonly thresholdMs?: number | undefined;
  readonly state?: 'clear' | 'over' | 'recovering' | undefined;
  /** Names of work types. */
  readonly ahead?: readonly string[] | undefined;
}

const token = /^[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*$/;
const printable = /^[\x20-\x7e]{0,255}$/;
/** RFC 8941, section 3.3.2: at most 12 digits before the point. */
const mostMs = 999_999_999_999;

/** The header's value. Throws `parameter-invalid` for what structured fields have no spelling for. */
export function formatDecisionHeader(said: DecisionHeader): string {
  const { decision, wouldBe, reasons, workType, partition, valueMs, thresholdMs, state, ahead } = said;
  const members = [
    `decision=${tokenOf(decision)}`,
    `reasons=(${reasons.map(tokenOf).join(' ')})`,
    wouldBe && `would-be=${tokenOf(wouldBe)}`,
    `work-type=${stringOf(workType)}`,
    partition !== undefined && `partition=${stringOf(partition)}`,
    state && `state=${tokenOf(state)}`,
    valueMs !== undefined && `value=${decimalOf(valueMs)}`,
    thresholdMs !== undefined && `threshold=${decimalOf(thresholdMs)}`,
    ahead !== undefined && ahead.length > 0 && `ahead=(${ahead.map(stringOf).join(' ')})`,
  ];
  return members.filter((member) => typeof member === 'string').join(', ');
}

function tokenOf(text: string): string {
  if (!token.test(text)) throw new ParameterError(`${JSON.stringify(text.slice(0, 60))} is no token`);
  return text;
}

function stringOf(text: string): string {
  if (!printable.test(text)) {
    throw new ParameterError('names in Slackwater-Decision are up to 255 printable ASCII characters');
  }
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

function decimalOf(ms: number): string {
  if (!Number.isFinite(ms) || Math.abs(ms) > mostMs) throw new ParameterError(`${ms} is no time in ms`);
  return ms.toFixed(3).replace(/\.?0+$/, '');
}
