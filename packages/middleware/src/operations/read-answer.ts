import { canonicalJson } from '@slackwater/shared';
import { shown } from './rules.ts';

/** The most that a task may answer, as JSON, in bytes. */
export const maxAnswerBytes = 1_048_576;

/** An answer as JSON gives it back, by label; or what is wrong with it. */
export type ReadAnswer =
  | { readonly values: Readonly<Record<string, unknown>>; readonly issues?: undefined }
  | { readonly issues: readonly string[] };

/**
 * Reads what a task answered: an object with exactly the declared labels, each of a value that JSON can hold. Where nothing is declared,
 * nothing needs to be answered. Pure.
 */
export function readAnswer(answer: unknown, labels: readonly string[]): ReadAnswer {
  if (answer === undefined && labels.length === 0) return { values: {} };
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) {
    return { issues: [`it answered ${shown(answer)}; it has to answer an object with ${listed(labels)}`] };
  }
  const given = Object.keys(answer);
  const issues = [
    ...labels.filter((label) => !Object.hasOwn(answer, label)).map((label) => `it did not answer "${label}"`),
    ...given
      .filter((label) => !labels.includes(label))
      .map((label) => `it answered "${label}", which it does not declare`),
  ];
  return issues.length > 0 ? { issues } : asJson(answer);
}

function asJson(answer: object): ReadAnswer {
  try {
    const json = canonicalJson(answer);
    const bytes = Buffer.byteLength(json);
    if (bytes > maxAnswerBytes) {
      return { issues: [`it answered ${bytes} bytes of JSON; ${maxAnswerBytes} are the most`] };
    }
    return { values: JSON.parse(json) as Readonly<Record<string, unknown>> };
  } catch (error) {
    return { issues: [`what it answered can not be written as JSON: ${shown(error)}`] };
  }
}

function listed(labels: readonly string[]): string {
  return labels.length === 0 ? 'nothing in it' : labels.map((label) => `"${label}"`).join(', ');
}
