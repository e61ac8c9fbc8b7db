import type { WriteStream } from 'node:tty';
import { type Line, paint } from './paint.ts';

/** A screen of its own in the terminal; what was there before comes back when it is closed. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  draw(lines: readonly Line[]): void;
  /** Gives the terminal back; false where that was done before. It happens by itself when the process ends. */
  close(): boolean;
}

const control = '\u001b[';
const enter = `${control}?1049h${control}?25l${control}2J`;
const leave = `${control}?25h${control}?1049l`;
// Terminals that know them show the frame when it is whole; others ignore them.
const beginFrame = `${control}?2026h${control}H`;
const endFrame = `${control}J${control}?2026l`;

/** Whether the terminal wants colours (https://no-color.org). */
export function wantsColours(environment: Readonly<Record<string, string | undefined>>): boolean {
  return (environment['NO_COLOR'] ?? '') === '';
}

/** Takes over the terminal. Lines are drawn over those that were there, so that nothing flickers. */
export function openScreen(terminal: WriteStream, colours: boolean): Screen {
  let open = true;
  const close = (): boolean => {
    if (!open) return false;
    open = false;
    process.removeListener('exit', close);
    terminal.removeListener('resize', clear);
    terminal.write(leave);
    return true;
  };
  const clear = (): void => void terminal.write(`${control}2J`);
  terminal.write(enter);
  terminal.on('resize', clear);
  process.on('exit', close);
  return {
    get columns() {
      return terminal.columns;
    },
    get rows() {
      return terminal.rows;
    },
    draw(lines) {
      if (!open) return;
      // The last column stays free: erasing behind a character there would erase it.
      const columns = terminal.columns - 1;
      const text = lines.map((line) => `${paint(line, columns, colours)}${control}K`).join('\r\n');
      terminal.write(`${beginFrame}${text}${endFrame}`);
    },
    close,
  };
}
