import type { WrappedKey, WrappedKeys } from '../../engines/wrapped-keys.ts';
import { CommandFailed } from '../failures.ts';
import { inParallel } from './in-parallel.ts';

const keysPerPage = 500;

/**
 * Makes the target's wrapped keys those of the source. What the source has no more was destroyed there, and is destroyed in the
 * target too: a copy must not bring an erased requester back. Rejects with a {@link CommandFailed} where somebody else
 * writes to the target. Crash points: each key is whole or not there, and the next run looks at all of them again.
 */
export async function copyWrappedKeys(
  source: WrappedKeys,
  target: WrappedKeys,
  onKeys: (count: number) => void,
): Promise<void> {
  let count = 0;
  for await (const page of pages(source)) {
    await inParallel(page, ({ key, value }) => carry(target, key, value));
    count += page.length;
    onKeys(count);
  }
  for await (const page of pages(target)) {
    await inParallel(page, async ({ key }) => {
      if ((await source.get(key)) === undefined) await target.destroy(key);
    });
  }
}

async function carry(target: WrappedKeys, key: string, value: Uint8Array): Promise<void> {
  if ((await target.create(key, value)) !== undefined) return;
  const there = await target.get(key);
  if (there !== undefined && Buffer.compare(there.value, value) === 0) return;
  if (there !== undefined && (await target.update(key, value, there.revision)) !== undefined) return;
  throw new CommandFailed(
    `the wrapped key ${key} of the target can't be written: somebody writes to it, or destroyed it. End the application, or give an empty target`,
  );
}

async function* pages(keys: WrappedKeys): AsyncGenerator<readonly (WrappedKey & { readonly key: string })[]> {
  for (let after: string | undefined; ; ) {
    const page = await keys.list({ limit: keysPerPage, ...(after !== undefined && { after }) });
    if (page.length === 0) return;
    yield page;
    after = page.at(-1)?.key;
  }
}
