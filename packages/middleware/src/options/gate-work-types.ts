import type { WorkTypeChanges } from './change-work-type.ts';
import type { WorkTypeOptions } from './options.ts';
import type { WorkTypePolicy } from './resolved.ts';

/** A work type as it is now. */
export interface WorkTypeView
  extends Pick<
    WorkTypePolicy,
    | 'name'
    | 'priority'
    | 'exempt'
    | 'whenOver'
    | 'deferWithoutAsking'
    | 'acknowledge'
    | 'repeatable'
    | 'shadow'
  > {
  /** Absent where commit latency alone decides. */
  readonly candidates?: WorkTypeOptions['candidates'];
  readonly neverDeferFor?: WorkTypeOptions['neverDeferFor'];
  /** In ms; absent where it is exempt. */
  readonly thresholdMs?: WorkTypePolicy['thresholdMs'];
  /** Present where it was changed while running, here or on another host. */
  readonly changed?: {
    /** `token:<subject>` or `code:<name>`. */
    readonly by: string;
    /** RFC 3339. */
    readonly at: string;
    /** The members that are not as configured. None after a reset. */
    readonly members: readonly string[];
  };
  /** Differs wherever anything of the above does; in the quotes of an ETag (RFC 9110). */
  readonly etag: string;
}

/** Who changes, and on what condition. */
export interface ChangeTerms {
  /** Who changes; 1 to 200 characters. In the ledger for good, as `code:<by>`. Default `app`. */
  readonly by?: string;
  /** Change only what still has this `etag`; else the call rejects with `precondition-failed`. Default none. */
  readonly ifMatch?: string;
}

/** What became of a change. */
export interface ChangeResult {
  /** Those it was about, as they are now. */
  readonly workTypes: readonly WorkTypeView[];
  /** Whether it is in the ledger. False without an engine, and where nothing differed. */
  readonly recorded: boolean;
  /** What is questionable about the work types as they are now; codes of warnings. */
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/**
 * The work types, and their changes while the gate runs. With an engine a change is in the ledger before it takes effect, reaches
 * every host of the application and resource group, and survives restarts. Without one it is this process's alone.
 */
export interface GateWorkTypes {
  /** The most important first. */
  list(): readonly WorkTypeView[];
  /** Undefined where there is none of that name. */
  find(name: string): WorkTypeView | undefined;
  /**
   * Changes members of one work type, all at once; what is left out stays. Rejects with `option-invalid`, `option-unknown` or
   * `option-missing` as the options do, with `precondition-failed`, and with the engine's errors; nothing has changed then,
   * unless the error's `fate` is `unknown`.
   */
  change(name: string, changes: WorkTypeChanges, terms?: ChangeTerms): Promise<ChangeResult>;
  /** The same for several work types, all at once. `ifMatch` is refused here. */
  changeAll(
    changes: Readonly<Record<string, WorkTypeChanges>>,
    terms?: Pick<ChangeTerms, 'by'>,
  ): Promise<ChangeResult>;
  /** Takes back all that was changed of a work type: the options count again. Rejects as `change` does. */
  reset(name: string, terms?: ChangeTerms): Promise<ChangeResult>;
}
