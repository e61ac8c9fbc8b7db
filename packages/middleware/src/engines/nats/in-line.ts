/** Runs work of one key one after the other, in the order of the calls; work of different keys does not wait for each other. */
export function inLineByKey(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const ends = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const before = ends.get(key);
    const result = before === undefined ? work() : before.then(work, work);
    const end = result.catch(() => {});
    ends.set(key, end);
    void end.then(() => {
      if (ends.get(key) === end) ends.delete(key);
    });
    return result;
  };
}
