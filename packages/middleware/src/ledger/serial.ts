/** Runs work in the order of the calls, one at a time. A failure is its caller's alone. */
export function serial(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work, work);
    last = result;
    return result;
  };
}

/** As {@link serial}, by key: work of different keys runs at the same time. Keeps nothing for a key that is idle. */
export function serialByKey(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const lines = new Map<string, { run: <T>(work: () => Promise<T>) => Promise<T>; users: number }>();
  return async (key, work) => {
    const line = lines.get(key) ?? { run: serial(), users: 0 };
    lines.set(key, line);
    line.users += 1;
    try {
      return await line.run(work);
    } finally {
      line.users -= 1;
      if (line.users === 0) lines.delete(key);
    }
  };
}
