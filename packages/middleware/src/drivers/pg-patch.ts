/** A method of any shape. */
type Method = (this: object, ...args: unknown[]) => unknown;

interface Patch {
  readonly original: Method;
  readonly replacement: Method;
  users: number;
}

const patches = new WeakMap<object, Map<string, Patch>>();

/**
 * Replaces a method where it is defined, in an object or its prototypes, once however many ask for it.
 * `replace` gets the object, the original and the arguments of each call. Returns the way to take it back:
 * with the last user's the original returns, unless somebody has replaced ours since, who may keep calling it.
 */
export function patchMethod(
  object: object,
  name: string,
  replace: (self: object, original: Method, args: unknown[]) => unknown,
): () => void {
  const owner = ownerOf(object, name);
  if (owner === undefined) throw new TypeError(`${name} is not a method of what was given`);
  const methods = owner as Record<string, Method>;
  const ofOwner = patches.get(owner) ?? new Map<string, Patch>();
  patches.set(owner, ofOwner);
  let patch = ofOwner.get(name);
  if (patch === undefined || patch.users === 0) {
    const original = methods[name] as Method;
    const replacement: Method = function (...args) {
      return replace(this, original, args);
    };
    patch = { original, replacement, users: 0 };
    ofOwner.set(name, patch);
    methods[name] = replacement;
  }
  patch.users++;
  const mine = patch;
  let undone = false;
  return () => {
    if (undone) return;
    undone = true;
    if (--mine.users === 0 && methods[name] === mine.replacement) methods[name] = mine.original;
  };
}

function ownerOf(object: object, name: string): object | undefined {
  for (let at: object | null = object; at !== null; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, name)) return at;
  }
  return undefined;
}
