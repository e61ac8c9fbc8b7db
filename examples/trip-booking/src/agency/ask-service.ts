import type { TaskContext } from '@slackwater/middleware';

/**
 * What a service is asked under: the same for every attempt at a task of a trip, and for giving it back. So a service that did something and could not
 * say so does it once, and what is given back is found, whether its answer was heard or not.
 */
function keyOf({ operation, task }: TaskContext): string {
  return encodeURIComponent(`${operation}/${task}`);
}

/** Takes something of a service. Throws what it said where it would not. */
export async function take<Taken>(address: string, body: object, context: TaskContext): Promise<Taken> {
  const response = await fetch(`${address}/taken/${keyOf(context)}`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal: context.signal,
  });
  return (await read(response)) as Taken;
}

/** Gives it back, if it was taken: a rollback is called for every task that began. */
export async function giveBack(address: string, context: TaskContext): Promise<void> {
  await read(await fetch(`${address}/taken/${keyOf(context)}`, { method: 'DELETE', signal: context.signal }));
}

async function read(response: Response): Promise<unknown> {
  const text = await response.text();
  if (response.ok) return text === '' ? undefined : JSON.parse(text);
  throw new Error(`${response.status}: ${text}`);
}
