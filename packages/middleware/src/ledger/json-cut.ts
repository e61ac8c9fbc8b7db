// Where the values of a JSON text (RFC 8259) stand, without making anything of them: a request's body is cut at them, and must
// be the very same text again when it is put together. Takes time in proportion to the text's length, whatever is in it.

/** A value in a text: what lies from `start` up to, not including, `end`. */
export interface JsonValueAt {
  /** RFC 6901. */
  readonly pointer: string;
  readonly start: number;
  readonly end: number;
}

/** Which values are wanted: those with these pointers, or every innermost one, but no more than `most`. */
export type WantedValues = { readonly pointers: ReadonlySet<string> } | { readonly most: number };

/** Deeper ones are not looked into: what holds them is taken whole. */
const mostDepth = 8;

/**
 * The wanted values of a JSON text, in its order, none within another. Where there are more than `most` innermost ones, those on the
 * deepest level on which there are no more are given, whole. Undefined where the text is not JSON. Of a name that an object
 * has twice the last value counts.
 */
export function cutJson(text: string, wanted: WantedValues): readonly JsonValueAt[] | undefined {
  try {
    // The engine's own reader decides what is JSON, and is quick: what follows only has to find its way in what is valid.
    if (typeof JSON.parse(text) !== 'object') return [];
  } catch {
    return undefined;
  }
  if ('pointers' in wanted) return outermost(valuesOf(text, { way: wayTo(wanted.pointers) }) ?? []);
  let innermost: readonly Found[] = [];
  // From the top, so that a text with very many values is not looked through to find that out.
  for (let deepest = 1; deepest <= mostDepth; deepest++) {
    const found = valuesOf(text, { deepest, most: wanted.most });
    if (found === undefined) return innermost;
    innermost = found;
    if (!found.some(({ isParent }) => isParent)) return innermost;
  }
  return innermost;
}

interface Found extends JsonValueAt {
  /** It holds values. */
  readonly isParent: boolean;
}

/** What is looked for: values that a way leads to, or innermost ones, down to a level and no more than so many. */
type Looked = { readonly way: Way } | { readonly deepest: number; readonly most: number };

/** The way down to wanted values, a step for each name. */
interface Way {
  readonly steps: Map<string, Way>;
  isWanted: boolean;
}

function wayTo(pointers: ReadonlySet<string>): Way {
  const start: Way = { steps: new Map(), isWanted: false };
  for (const pointer of pointers) {
    let way = start;
    for (const step of pointer.split('/').slice(1)) {
      const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
      const next: Way = way.steps.get(name) ?? { steps: new Map(), isWanted: false };
      way.steps.set(name, next);
      way = next;
    }
    way.isWanted = true;
  }
  return start;
}

/** Of those that lie within each other the outer one. */
function outermost(found: readonly Found[]): readonly JsonValueAt[] {
  let end = 0;
  return found.filter((value) => {
    const isOutside = value.start >= end;
    if (isOutside) end = value.end;
    return isOutside;
  });
}

/** Values of a valid text, in its order. Undefined where there are more than were asked for. */
function valuesOf(text: string, looked: Looked): readonly Found[] | undefined {
  const way = 'way' in looked ? looked.way : undefined;
  const { deepest, most } = 'way' in looked ? { deepest: mostDepth, most: Number.POSITIVE_INFINITY } : looked;
  const found: (Found | undefined)[] = [];
  let at = 0;

  function skip(pattern: RegExp): void {
    pattern.lastIndex = at;
    pattern.test(text);
    at = pattern.lastIndex;
  }

  function skipString(): void {
    let end = at;
    let isEscaped = true;
    while (isEscaped) {
      end = text.indexOf('"', end + 1);
      let before = end;
      while (text[before - 1] === '\\') before -= 1;
      isEscaped = (end - before) % 2 === 1;
    }
    at = end + 1;
  }

  /** Up to the end of the list or object that is open, or was opened here. */
  function skipToEnd(open: number): void {
    for (let left = open; left > 0; ) {
      structure.lastIndex = at;
      structure.test(text);
      at = structure.lastIndex - 1;
      const character = text[at];
      if (character === '"') skipString();
      else at += 1;
      if (character === '{' || character === '[') left += 1;
      if (character === '}' || character === ']') left -= 1;
    }
  }

  /** Whether it holds values. */
  function value(pointer: string, depth: number, on: Way | undefined): boolean {
    const opened = text[at];
    if (opened === '"') skipString();
    else if (opened !== '{' && opened !== '[') skip(scalar);
    else {
      at += 1;
      skip(blanks);
      const isParent = text[at] !== '}' && text[at] !== ']';
      if (depth < deepest && (way === undefined || (on !== undefined && on.steps.size > 0))) {
        members(pointer, depth, on, opened === '{');
      } else skipToEnd(1);
      return isParent;
    }
    return false;
  }

  function members(pointer: string, depth: number, on: Way | undefined, isObject: boolean): void {
    const ranges = new Map<string, readonly [from: number, end: number]>();
    let left = isObject ? Number.POSITIVE_INFINITY : (on?.steps.size ?? Number.POSITIVE_INFINITY);
    for (let count = 0; text[at] !== '}' && text[at] !== ']'; count++) {
      if (left === 0 || found.length > most) {
        skipToEnd(1);
        return;
      }
      const name = isObject ? memberName() : String(count);
      const step = on?.steps.get(name);
      if (step !== undefined) left -= 1;
      // What stood here under the same name before is no value of the document any more, nor is what it held.
      const before = ranges.get(name);
      if (before !== undefined) found.fill(undefined, ...before);
      const from = found.length;
      member(`${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth + 1, step);
      if (isObject && found.length > from) ranges.set(name, [from, found.length]);
      skip(blanks);
      if (text[at] === ',') at += 1;
      skip(blanks);
    }
    at += 1;
  }

  function member(pointer: string, depth: number, on: Way | undefined): void {
    const place = found.length;
    if (on?.isWanted === true) found.push(undefined);
    const start = at;
    const isParent = value(pointer, depth, on);
    const one = { pointer, start, end: at, isParent };
    if (on?.isWanted === true) found[place] = one;
    else if (way === undefined && (depth === deepest || !isParent)) found.push(one);
  }

  function memberName(): string {
    const start = at;
    skipString();
    const name = JSON.parse(text.slice(start, at)) as string;
    skip(blanks);
    at += 1;
    skip(blanks);
    return name;
  }

  skip(blanks);
  value('', 0, way);
  return found.length > most ? undefined : found.filter((value) => value !== undefined);
}

// Sticky and able to match nothing, so that they always say where to go on.
const blanks = /[\t\n\r ]*/y;
const scalar = /[^\t\n\r ,\]}]*/y;
/** There always is one more: the text is valid. */
const structure = /["[\]{}]/g;
