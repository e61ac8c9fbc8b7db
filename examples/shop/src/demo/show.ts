import { frame } from './frame.ts';
import { paint } from './paint.ts';
import { plainEvent, plainLine } from './plain.ts';
import { openScreen, wantsColours } from './screen.ts';
import type { Story } from './story.ts';

const framesEveryMs = 100;
const samplesEveryMs = 300;
const linesEveryMs = 1_000;

/** Shows the story on standard output: drawn where that is a terminal, else in lines. Returns how to end it. */
export function show(story: Story): () => void {
  const { stdout, env } = process;
  const sampling = setInterval(() => story.sample(), samplesEveryMs);
  if (!stdout.isTTY || env['TERM'] === 'dumb') return showLines(story, sampling);

  const colours = wantsColours(env);
  const screen = openScreen(stdout, colours);
  const draw = (): void => screen.draw(frame(story.scene(), screen));
  const drawing = setInterval(draw, framesEveryMs);
  return () => {
    clearInterval(sampling);
    clearInterval(drawing);
    if (!screen.close()) return;
    // What was seen last stays, above the account.
    const { columns, rows } = stdout;
    const last = frame(story.scene(), { columns, rows: Math.max(0, rows - 3) });
    stdout.write(`${last.map((line) => paint(line, columns - 1, colours)).join('\n')}\n\n`);
  };
}

function showLines(story: Story, sampling: NodeJS.Timeout): () => void {
  story.onEvent = (event) => void process.stdout.write(`${plainEvent(event)}\n`);
  const writing = setInterval(() => void process.stdout.write(`${plainLine(story.scene())}\n`), linesEveryMs);
  return () => {
    clearInterval(sampling);
    clearInterval(writing);
    story.onEvent = () => {};
  };
}
