/** Goes on at once with a value, or when a promise has given it: requests that need no waiting do not wait. */
export function andThen<Value, Result>(
  value: Value | Promise<Value>,
  go: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> {
  return isPromise(value) ? value.then(go) : go(value);
}

/** Whether something must be awaited. */
export function isPromise<Value>(value: Value | Promise<Value>): value is Promise<Value> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
