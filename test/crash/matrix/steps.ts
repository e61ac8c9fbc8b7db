/**
 * The steps of one request through a process that is to be killed at one of them: writes to engine and database, and the answer. From
 * when the request arrives each is told before and after it, by its name and how many of the name there were.
 */
export interface Steps {
  /** A request has arrived whose steps are to be counted, and `killAt` which of them to die; undefined: at none. */
  begin(killAt: string | undefined): void;
  /** A step is about to be taken, or was just taken. It does not return at the one that the process is to be killed at. */
  at(side: 'before' | 'after', name: string): void;
  /** What was told, in order. */
  readonly told: readonly string[];
}

/** Counts from {@link Steps.begin} on, each time anew. */
export function countSteps(): Steps {
  const told: string[] = [];
  const counts = new Map<string, number>();
  let hasBegun = false;
  let killAt: string | undefined;
  return {
    told,
    begin(given) {
      hasBegun = true;
      killAt = given;
      told.length = 0;
      counts.clear();
    },
    at(side, name) {
      if (!hasBegun) return;
      const sided = `${side} ${name}`;
      const count = (counts.get(sided) ?? 0) + 1;
      counts.set(sided, count);
      const step = count === 1 ? sided : `${sided} (${count})`;
      told.push(step);
      if (step !== killAt) return;
      process.kill(process.pid, 'SIGKILL');
      // Nothing more is done until the signal is there.
      for (;;);
    },
  };
}

/** Runs a step that is asynchronous. */
export async function taking<T>(steps: Steps, name: string, step: () => Promise<T>): Promise<T> {
  steps.at('before', name);
  const result = await step();
  steps.at('after', name);
  return result;
}
