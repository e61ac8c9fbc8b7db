import { canonicalJson } from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCanonicalJson } from '../../packages/shared/src/canonical-text.ts';

describe('telling whether a text is canonical', () => {
  /** By its definition: what it says, written canonically, is the text itself. */
  function isCanonical(text: string): boolean {
    try {
      return canonicalJson(JSON.parse(text)) === text;
    } catch {
      return false;
    }
  }

  it.each([
    ['{"a":1,"b":[{"c":"\\n","d":"é"}],"e":null}', true],
    ['{"10":1,"9":2}', true],
    ['{"9":2,"10":1}', false],
    ['{"b":1,"a":2}', false],
    ['{"x":{"b":1,"a":2}}', false],
    ['[{"b":1,"a":2}]', false],
    ['{"a":1,"a":1}', false],
    ['{"a": 1}', false],
    ['{"a":1.0}', false],
    ['{"a":-0}', false],
    ['{"a":1e21}', false],
    ['{"a":1e+21}', true],
    ['{"a":"\\u00e9"}', false],
    ['{"a":"\\/"}', false],
    ['{"a":"\\ud800"}', false],
    ['{"\\ud800":1}', false],
    ['{"a":"\ud800"}', false],
    ['{"a":"\\\\ud800"}', true],
    ['{"__proto__":{"b":1},"a":2}', true],
    [`${'['.repeat(500)}${']'.repeat(500)}`, true],
    [`${'['.repeat(501)}${']'.repeat(501)}`, false],
    [`${'['.repeat(30_000)}${']'.repeat(30_000)}`, false],
    ['', false],
    ['nonsense', false],
  ])('says of %s: %s', (text, expected) => {
    expect(parseCanonicalJson(text).fault === undefined).toBe(expected);
  });

  it('is what writing it anew says, for texts of any kind', () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    const texts = fc.oneof(
      value.map((any) => canonicalJson(any)),
      value.map((any) => JSON.stringify(any)),
      value.map((any) => JSON.stringify(any, undefined, 1)),
      fc.dictionary(fc.oneof(fc.nat(30).map(String), fc.string()), value).map((any) => JSON.stringify(any)),
      fc.json(),
      fc.string(),
    );
    fc.assert(
      fc.property(texts, (text) => (parseCanonicalJson(text).fault === undefined) === isCanonical(text)),
      { numRuns: 500 },
    );
  });
});
