/**
 * The part of the Standard Schema interface (standardschema.dev, version 1) that validation takes: zod, valibot, arktype and others have
 * it. The specification invites libraries to carry the interface themselves rather than to depend on a package for it.
 */
export interface StandardSchema<Raw = unknown, Value = Raw> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Value> | Promise<StandardResult<Value>>;
    readonly types?: { readonly input: Raw; readonly output: Value } | undefined;
  };
}

/** What a schema says of a value. */
export type StandardResult<Value> =
  | { readonly value: Value; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** One thing that is wrong with a value. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Whether something is a Standard Schema: an object, or a function, that says so. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  const standard = (value as { readonly '~standard'?: unknown })['~standard'];
  if (typeof standard !== 'object' || standard === null) return false;
  return typeof (standard as { readonly validate?: unknown }).validate === 'function';
}
