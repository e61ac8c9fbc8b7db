import { type EntryType, encodeEntry, type LedgerEntry } from '@slackwater/shared';

export const startedAt = Date.parse('2026-11-02T09:00:00.000Z');

/** A well-formed id for a number. */
export function idOf(n: number): string {
  return `01${n.toString().padStart(24, '0')}`;
}

/** An entry as the ledger writes it. */
export function entryOf(id: string, type: EntryType, more: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    v: 1,
    type,
    id,
    at: new Date(startedAt).toISOString(),
    group: 'main',
    application: 'payments',
    method: 'POST',
    route: '/payments/:id/settle',
    workType: 'settle',
    partition: 'payments',
    requester: 'nobody-in-particular',
    reasons: [],
    ...more,
  };
}

/** A log in memory; entries may be added at any time. */
export function logInMemory(): {
  readonly entries: Uint8Array[];
  add(...entries: readonly LedgerEntry[]): void;
  read(from: number, limit: number): Promise<readonly Uint8Array[]>;
  size(): Promise<number>;
} {
  const entries: Uint8Array[] = [];
  return {
    entries,
    add: (...more) => {
      for (const entry of more) entries.push(encodeEntry(entry));
    },
    read: async (from, limit) => entries.slice(from, from + limit),
    size: async () => entries.length,
  };
}
