import type { Limits } from '../call/limits.ts';
import type { Runtime } from '../runtime.ts';
import { admit, afterAnswer, afterRefusal, afterSilence, type Circuit, closedCircuit } from './circuit.ts';

/** The leave to send one attempt. What became of it is told once; whatever is told after that is ignored. */
export interface Pass {
  /** Whether somebody stood in line for it. */
  readonly hadToWait: boolean;
  /** Whose it is; undefined where nothing was known of a lane. */
  readonly lane: Lane | undefined;
  /** The server answered, and refused nothing. */
  answered(): void;
  /** The server refused, and asked to come back so much later. */
  refused(askedMs: number): void;
  /** No answer came. */
  lost(): void;
}

/** The calls of a client that the server treats as one: they stand in line, and one circuit is for all of them. */
export class Lane {
  readonly #runtime: Runtime;
  /** In the order of their coming. */
  readonly #waiting = new Set<() => void>();
  #circuit: Circuit = closedCircuit;
  #cancelTimer: (() => void) | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Whether the lane holds nobody back, and can be forgotten. */
  get isClear(): boolean {
    return this.#circuit.state === 'closed' && this.#waiting.size === 0;
  }

  /** How many stand in line. */
  get waiting(): number {
    return this.#waiting.size;
  }

  get circuit(): Circuit {
    return this.#circuit;
  }

  /** A pass at once; undefined where the caller has to stand in line. */
  tryEnter(): Pass | undefined {
    return this.#waiting.size > 0 ? undefined : this.#admit(false);
  }

  /** Stands in line until there is a pass; resolves with undefined when the limits end. */
  stand(limits: Pick<Limits, 'isOver' | 'onEnd'>): Promise<Pass | undefined> {
    if (limits.isOver) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const release = limits.onEnd(() => {
        this.#waiting.delete(turn);
        resolve(undefined);
        this.#callNext();
      });
      const turn = (): void => {
        const pass = this.#admit(true);
        if (pass === undefined) return;
        this.#waiting.delete(turn);
        release();
        resolve(pass);
      };
      this.#waiting.add(turn);
      this.#callNext();
    });
  }

  /** A call that was sent before anybody knew of this lane was refused. */
  refuse(askedMs: number): void {
    this.#circuit = afterRefusal(this.#circuit, Number.NaN, this.#runtime.steadyMs() + askedMs);
    this.#callNext();
  }

  #admit(hadToWait: boolean): Pass | undefined {
    const nowMs = this.#runtime.steadyMs();
    const admission = admit(this.#circuit, nowMs);
    this.#circuit = admission.circuit;
    if (admission.admitted) return this.#pass(nowMs, hadToWait);
    this.#cancelTimer?.();
    this.#cancelTimer =
      this.#waiting.size === 0
        ? undefined
        : this.#runtime.setTimer(admission.againAtMs - nowMs, () => this.#callNext());
    return undefined;
  }

  #pass(admittedAtMs: number, hadToWait: boolean): Pass {
    let told = false;
    const tell = (next: (circuit: Circuit) => Circuit): void => {
      if (told) return;
      told = true;
      this.#circuit = next(this.#circuit);
      this.#callNext();
    };
    return {
      hadToWait,
      lane: this,
      answered: () => tell((circuit) => afterAnswer(circuit, admittedAtMs, this.#waiting.size > 0)),
      refused: (askedMs) =>
        tell((circuit) => afterRefusal(circuit, admittedAtMs, this.#runtime.steadyMs() + askedMs)),
      lost: () => tell((circuit) => afterSilence(circuit, admittedAtMs)),
    };
  }

  /** Calls those in front as long as they are let through. */
  #callNext(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    for (const turn of this.#waiting) {
      turn();
      if (this.#waiting.has(turn)) return;
    }
  }
}
