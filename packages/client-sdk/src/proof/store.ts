/**
 * Where receipts and checkpoints are kept. Texts under keys; keys have letters, digits and `-_./:` alone. Law: what was set is there for later
 * `get`s, in this process and, where the store is durable, in later ones; setting replaces whole texts, never parts. What a
 * method rejects with does not end a call: the client tells its logger. It ends `audit.verify`, `receipt` and `checkpoint`, as the cause of a
 * ReceiptStoreError.
 */
export interface ReceiptStore {
  get(key: string): Promise<string | undefined>;
  set(key: string, text: string): Promise<void>;
}

const mostInMemory = 2_000;

/** Keeps them as long as the process lives: the 2,000 set last. */
export function memoryStore(): ReceiptStore {
  const texts = new Map<string, string>();
  return {
    get: async (key) => texts.get(key),
    set: async (key, text) => {
      texts.delete(key);
      texts.set(key, text);
      const [oldest] = texts.keys();
      if (texts.size > mostInMemory && oldest !== undefined) texts.delete(oldest);
    },
  };
}

/** Keeps them where a browser keeps them: `webStore(localStorage)`. Who reads that page's storage reads them; they hold no capability. */
export function webStore(
  storage: Pick<Storage, 'getItem' | 'setItem'>,
  prefix = 'slackwater:',
): ReceiptStore {
  return {
    get: async (key) => storage.getItem(prefix + key) ?? undefined,
    set: async (key, text) => storage.setItem(prefix + key, text),
  };
}
