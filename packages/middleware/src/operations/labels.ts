import type { StandardSchema } from './standard-schema.ts';

declare const ofType: unique symbol;

/** Says of which type the value under a label is, and checks nothing. Made by {@link type}. */
export interface TypeOnly<Value> {
  readonly kind: 'type';
  readonly [ofType]?: Value;
}

/** What is known of the value under a label: its type alone, or a Standard Schema, by which every value is checked too. */
export type Declared = TypeOnly<unknown> | StandardSchema;

/** Values by label. */
export type Declarations = Readonly<Record<string, Declared>>;

/** An input that no task gives: it comes from outside, with the start or later. Made by {@link external}. */
export interface ExternalInput<Label extends string = string, Declaration extends Declared = Declared> {
  readonly external: Label;
  readonly declared: Declaration;
}

/** The type of a value as tasks are given it. */
export type ValueOf<Declaration> =
  Declaration extends StandardSchema<infer _Raw, infer Value>
    ? Value
    : Declaration extends TypeOnly<infer Value>
      ? Value
      : unknown;

/** The type of a value as its producer gives it: what a schema takes. */
export type RawOf<Declaration> =
  Declaration extends StandardSchema<infer Raw, infer _Value> ? Raw : ValueOf<Declaration>;

/**
 * Declares the type of an output or of an input from outside, without checking values: `type<Flight>()`. Values are kept as JSON, so it
 * should be a type that JSON gives back as it took it.
 */
export function type<Value>(): TypeOnly<Value> {
  return { kind: 'type' };
}

/**
 * An input from outside, such as a code that a person types in. Only the task that takes it waits for it; it is no dependency between
 * tasks. `declared` says of which type it is; a Standard Schema checks it as well.
 */
export function external<const Label extends string>(label: Label): ExternalInput<Label, TypeOnly<unknown>>;
export function external<const Label extends string, Declaration extends Declared>(
  label: Label,
  declared: Declaration,
): ExternalInput<Label, Declaration>;
export function external(label: string, declared: Declared = type()): ExternalInput {
  return { external: label, declared };
}
