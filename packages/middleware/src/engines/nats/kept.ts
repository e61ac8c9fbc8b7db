import type { MsgHdrs } from '@nats-io/transport-node';

/** A message as a stream keeps it. */
export interface Kept {
  readonly seq: number;
  /** When the server took it, Unix milliseconds by the server's clock. */
  readonly at: number;
  readonly subject: string;
  readonly headers: MsgHdrs | undefined;
  readonly data: Uint8Array;
}
