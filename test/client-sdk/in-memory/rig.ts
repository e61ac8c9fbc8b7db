import { type CreateClientOptions, createClient, type SlackwaterClient } from '@slackwater/client-sdk';
import {
  type FakeClock,
  fakeClock,
  type ScriptedServer,
  scriptedServer,
} from '@slackwater/client-sdk/testing';

/** A client, the script at its other end, and its time. */
export interface Rig {
  readonly client: SlackwaterClient;
  readonly clock: FakeClock;
  readonly server: ScriptedServer;
}

/** What a rig is made with, besides the script. */
export interface RigOptions extends Partial<CreateClientOptions> {
  readonly chances?: readonly number[];
  /** Whether the client's instance has an interceptor, so that the whole call runs through it. */
  readonly intercepted?: boolean;
}

/** A client that talks to a script, in time that is moved by hand. Chance is 0 unless given, so that waits are what was asked. */
export function rig(
  script: Parameters<typeof scriptedServer>[0],
  { chances = [0], intercepted = false, ...options }: RigOptions = {},
): Rig {
  const clock = fakeClock({ chances });
  const server = scriptedServer(script);
  const axios = { adapter: server.adapter };
  const client = createClient({ baseURL: 'https://shop.example', runtime: clock, axios, ...options });
  if (intercepted) client.axios.interceptors.request.use((config) => config);
  return { client, clock, server };
}

/** How a call ends: what it resolves or is rejected with. */
export async function endOf({ clock }: Rig, call: Promise<unknown>): Promise<unknown> {
  return await clock.settle(call.catch((error: unknown) => error));
}
