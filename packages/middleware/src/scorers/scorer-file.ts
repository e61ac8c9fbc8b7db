import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { SlackwaterError } from '@slackwater/shared';
import { systemClock } from '../clock.ts';

/** Where a scorer's rules or model come from, and how often a change of them is looked for. */
export interface ScorerFileSetup<Content> {
  readonly file: string;
  /** Throws for what it can't be. */
  readonly parse: (text: string) => Content;
  readonly reloadEveryMs: number;
  /** The file has changed and can't be used: what it was before goes on. */
  readonly onTrouble: (error: unknown) => void;
}

/** Longer files are refused, bytes. */
const mostBytes = 16 * 1024 * 1024;

/**
 * A file that may be changed while the gate runs. It is looked at when it is used, at most every `reloadEveryMs`, without
 * anybody waiting for it. Throws `option-invalid` where it can't be read or used to begin with.
 */
export class ScorerFile<Content> {
  readonly #setup: ScorerFileSetup<Content>;
  #content: Content;
  #text: string;
  #lookAt: number;
  /** Size and time of what was last looked at, good or bad. */
  #seen = '';
  #looking: Promise<void> | undefined;

  constructor(setup: ScorerFileSetup<Content>) {
    this.#setup = setup;
    const { file, parse, reloadEveryMs } = setup;
    try {
      this.#text = readFileSync(file, 'utf8');
      this.#content = parse(this.#text);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new SlackwaterError('option-invalid', `file: ${JSON.stringify(file)} can't be used: ${why}`, {
        cause: error,
      });
    }
    this.#lookAt = systemClock.now() + reloadEveryMs;
  }

  /** What is in it, as of the last look. */
  get content(): Content {
    const now = systemClock.now();
    if (now >= this.#lookAt && this.#looking === undefined) {
      this.#lookAt = now + this.#setup.reloadEveryMs;
      this.#looking = this.#look().finally(() => {
        this.#looking = undefined;
      });
    }
    return this.#content;
  }

  async #look(): Promise<void> {
    const { file, parse, onTrouble } = this.#setup;
    try {
      const { size, mtimeMs } = await stat(file);
      const seen = `${size} ${mtimeMs}`;
      if (seen === this.#seen) return;
      this.#seen = seen;
      if (size > mostBytes) throw new RangeError(`it has ${size} bytes; at most ${mostBytes}`);
      const text = await readFile(file, 'utf8');
      if (text === this.#text) return;
      this.#content = parse(text);
      this.#text = text;
    } catch (error) {
      onTrouble(error);
    }
  }
}
