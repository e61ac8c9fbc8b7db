import type { Rule } from './rules.ts';

/** What a pointer can lead to: a function, or a rule that is none. */
export type Callable = Rule | ((...given: never) => unknown);
