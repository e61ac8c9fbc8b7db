/** Counts the requests that are held open, so that they stay within a limit. */
export interface HeldOpen {
  /** Gives the way to leave again, which may be called twice; undefined where there is no room. */
  enter(): (() => void) | undefined;
}

/** Room for `most` requests. */
export function heldOpenUpTo(most: number): HeldOpen {
  let held = 0;
  return {
    enter() {
      if (held >= most) return undefined;
      held += 1;
      let inside = true;
      return () => {
        if (inside) held -= 1;
        inside = false;
      };
    },
  };
}
