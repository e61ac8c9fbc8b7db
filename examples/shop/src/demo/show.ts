import type { Size } from './frame.ts';
import { type Line, paint } from './paint.ts';
import { plainEvent } from './plain.ts';
import type { Event } from './scene.ts';
import { openScreen, wantsColours } from './screen.ts';

/** What is shown: as a screen of lines, and as one line. */
export interface Shown {
  /** Takes down what changes, for the picture of its history. */
  sample(): void;
  /** The whole screen, from the top. */
  frame(size: Size): readonly Line[];
  /** All of it in one line, for files and pipes. */
  line(): string;
  /** Hears of each event. */
  onEvent: (event: Event) => void;
}

const framesEveryMs = 100;
const samplesEveryMs = 300;
const linesEveryMs = 1_000;

/** Shows it on standard output: drawn where that is a terminal, else in lines. Returns how to end it. */
export function show(shown: Shown): () => void {
  const { stdout, env } = process;
  const sampling = setInterval(() => shown.sample(), samplesEveryMs);
  if (!stdout.isTTY || env['TERM'] === 'dumb') return showLines(shown, sampling);

  const colours = wantsColours(env);
  const screen = openScreen(stdout, colours);
  const draw = (): void => screen.draw(shown.frame(screen));
  const drawing = setInterval(draw, framesEveryMs);
  return () => {
    clearInterval(sampling);
    clearInterval(drawing);
    if (!screen.close()) return;
    // What was seen last stays, above the account.
    const { columns, rows } = stdout;
    const last = shown.frame({ columns, rows: Math.max(0, rows - 3) });
    stdout.write(`${last.map((line) => paint(line, columns - 1, colours)).join('\n')}\n\n`);
  };
}

function showLines(shown: Shown, sampling: NodeJS.Timeout): () => void {
  shown.onEvent = (event) => void process.stdout.write(`${plainEvent(event)}\n`);
  const writing = setInterval(() => void process.stdout.write(`${shown.line()}\n`), linesEveryMs);
  return () => {
    clearInterval(sampling);
    clearInterval(writing);
    shown.onEvent = () => {};
  };
}
