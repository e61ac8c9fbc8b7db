/** How often tasks of operations may fail, of one type of task or of each. */
export interface FailureAlertOptions {
  /**
   * The type of task: the name that it has in its operations. Those for which no alert has the name are judged by the alerts for `*`. Default `*`.
   */
  readonly task?: string;
  /** Failing more often than this within the window is told: 1 to 10,000. Required. */
  readonly count: number;
  /** How long the window is that slides over the failures, ms: 1,000 to 86,400,000. Required. */
  readonly windowMs: number;
}

/** What is told of each type of task where `failureAlerts` is left out. */
export const failureAlertDefaults: readonly Required<FailureAlertOptions>[] = [
  { task: '*', count: 10, windowMs: 300_000 },
  { task: '*', count: 100, windowMs: 60_000 },
];
