/** A process that ends at a chosen write: everything after it is as if nobody were there any more. */
export interface Crash {
  /** Puts the crash into some calls of an object. */
  into<Target extends object>(target: Target, ...names: readonly (keyof Target)[]): Target;
  /** Resolves when it has happened. */
  readonly happened: Promise<void>;
  readonly hasHappened: boolean;
}

/** After the `at`-th of the calls, from 1; what crashes before one crashes after the one before it. What is called from then on does nothing, and never resolves. */
export function crashAt(at: number): Crash {
  let calls = 0;
  let hasHappened = false;
  let tell: () => void = () => {};
  const happened = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const end = <Result>(): Promise<Result> => {
    hasHappened = true;
    tell();
    return new Promise<Result>(() => {});
  };
  return {
    happened,
    get hasHappened() {
      return hasHappened;
    },
    into<Target extends object>(target: Target, ...names: readonly (keyof Target)[]): Target {
      const wrapped = names.map((name) => {
        const call = target[name] as (...given: readonly unknown[]) => Promise<unknown>;
        const withCrash = async (...given: readonly unknown[]): Promise<unknown> => {
          if (hasHappened) return end();
          calls += 1;
          const isHere = calls === at;
          const result = await call.apply(target, [...given]);
          return isHere || hasHappened ? end() : result;
        };
        return [name, withCrash] as const;
      });
      return { ...target, ...Object.fromEntries(wrapped) };
    },
  };
}
