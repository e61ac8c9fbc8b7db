import type { WriteStream } from 'node:tty';

/** Says what is going on: in one line that changes in a terminal, else only what `say` is told. */
export interface Progress {
  /** For the moment. */
  show(text: string): void;
  /** To stay. */
  say(text: string): void;
}

export function progressTo(stream: WriteStream): Progress {
  const clear = (): void => {
    if (stream.isTTY) stream.write('\r\x1b[K');
  };
  return {
    show(text) {
      if (!stream.isTTY) return;
      clear();
      stream.write(text.slice(0, Math.max(0, stream.columns - 1)));
    },
    say(text) {
      clear();
      if (text !== '') stream.write(`${text}\n`);
    },
  };
}
