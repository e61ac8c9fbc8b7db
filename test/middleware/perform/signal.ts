/** Something that happens once, to be awaited and to be told. */
export interface Signal<T> {
  readonly happened: Promise<T>;
  readonly tell: (value: T) => void;
}

export function signal<T = void>(): Signal<T> {
  let tell: (value: T) => void = () => {};
  const happened = new Promise<T>((resolve) => {
    tell = resolve;
  });
  return { happened, tell };
}
