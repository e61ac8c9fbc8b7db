/** What of a task decides where it stands. */
export interface TaskShape {
  readonly id: string;
  /** Labels that it takes, those from outside left out. */
  readonly inputs: readonly string[];
  /** Labels that it gives. */
  readonly outputs: readonly string[];
  /** Ids of tasks that have to be done before it, whatever they give. */
  readonly after: readonly string[];
}
