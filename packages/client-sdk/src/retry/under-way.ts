import type { AxiosRequestConfig } from 'axios';
import type { Limits } from '../call/limits.ts';
import type { Passage } from '../call/passage.ts';
import type { Sending } from '../call/sending.ts';
import type { RetryNotice } from '../options.ts';
import type { Pass } from './lane.ts';

/** A call while it is under way. What one attempt holds is no part of it: ten thousand may wait at once. */
export class UnderWay {
  readonly sending: Sending;
  readonly passage: Passage;
  readonly limits: Limits;
  /** The adapter that really sends. */
  readonly adapter: AxiosRequestConfig['adapter'];
  unaskedRetries = 0;
  answerLost = false;
  serverKeepsKeys: boolean;
  redirected = false;
  /** Why the next attempt is sent, where it is not the first. */
  notice: Omit<RetryNotice, 'retry'> | undefined;
  /** Of the attempt that is under way. */
  pass: Pass | undefined;

  constructor(sending: Sending, passage: Passage, limits: Limits, adapter: AxiosRequestConfig['adapter']) {
    this.sending = sending;
    this.passage = passage;
    this.limits = limits;
    this.adapter = adapter;
    this.serverKeepsKeys = sending.options.serverKeepsKeys;
  }

  /** What lanes and budgets are found by. */
  get target(): string {
    return this.passage.target(this.sending.options.route);
  }
}
