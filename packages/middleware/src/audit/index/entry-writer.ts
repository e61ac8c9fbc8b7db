import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { begunAt, type EntryFacts, isCorrupt, type Life, lived } from './life-of-entry.ts';
import { positionsPerSpan } from './schema.ts';
import { codeOf, stateCodes } from './state-codes.ts';
import { openTally } from './tally.ts';
import { operationOf, type Words } from './words.ts';

/** How far an index has come. */
export interface Followed {
  /** So many entries of the log were read. */
  readonly entries: number;
  /** SHA-256 of the newest of them; undefined before the first. */
  readonly newest: Uint8Array | undefined;
  readonly unreadable: number;
}

/** Puts the log's entries into the index. */
export interface EntryWriter {
  followed(): Followed;
  /**
   * Takes neighbouring entries, the first of which stands at `from`, all or none. Those that the index has are passed over;
   * where some before them are missing, nothing is done. Gives how many entries were read by then.
   */
  write(from: number, entries: readonly Uint8Array[]): number;
}

/** A row of `deferral`, as far as later entries change or need it. */
interface Known {
  readonly position: number;
  readonly created: number;
  readonly values: readonly [workType: number, partition: number, requester: number, operation: number];
  life: Life;
  state: number;
  since: number;
  isChanged: boolean;
}

/** A writer on an open index. */
export function openEntryWriter(database: DatabaseSync, words: Words): EntryWriter {
  const readFollowed = database.prepare('SELECT entries, newest, unreadable FROM followed');
  const noteFollowed = database.prepare('UPDATE followed SET entries = ?, newest = ?, unreadable = ?');
  const insert = database.prepare(
    'INSERT INTO deferral VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?, 0, 0, NULL, NULL) ON CONFLICT (id) DO NOTHING',
  );
  const update = database.prepare(
    `UPDATE deferral SET lasted = ?, state = ?, since = ?, attempts = ?, postponements = ?, outcome_known = ?, error = ?
     WHERE position = ?`,
  );
  const find = database.prepare('SELECT * FROM deferral WHERE id = ?');
  const insertStep = database.prepare('INSERT INTO step VALUES (?, ?, ?, ?)');
  const insertRunEntry = database.prepare('INSERT INTO run_entry VALUES (?, ?)');
  const widenSpan = database.prepare(
    `INSERT INTO span VALUES (?, ?, ?) ON CONFLICT (number) DO UPDATE
     SET earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest)`,
  );
  const tally = openTally(database);
  const touched = new Map<string, Known>();
  const spans = new Map<number, { earliest: number; latest: number }>();

  function followed(): Followed {
    const row = readFollowed.get() ?? {};
    const newest = row['newest'];
    return {
      entries: Number(row['entries']),
      newest: newest instanceof Uint8Array ? newest : undefined,
      unreadable: Number(row['unreadable']),
    };
  }

  function knownOf(id: string): Known | undefined {
    const touchedBefore = touched.get(id);
    if (touchedBefore !== undefined) return touchedBefore;
    const row = find.get(id);
    const known = row && fromRow(row);
    if (known !== undefined) touched.set(id, known);
    return known;
  }

  function begin(entry: EntryFacts, position: number): void {
    const at = Date.parse(entry.at);
    const life = begunAt(at);
    const state = codeOf({ status: life.status, phase: life.phase, corrupt: false });
    const workType = words.numberOf('workType', entry.workType);
    const partition = words.numberOf('partition', entry.partition);
    const requester = words.numberOf('requester', entry.requester);
    const operation = words.numberOf('operation', operationOf(entry.method, entry.route));
    const { changes } = insert.run(
      position,
      entry.id,
      at,
      operation,
      workType,
      partition,
      requester,
      state,
      position,
    );
    if (changes === 0) return;
    const values = [workType, partition, requester, operation] as const;
    touched.set(entry.id, { position, created: at, values, life, state, since: position, isChanged: false });
    count(values, state, 1);
    const number = Math.floor(position / positionsPerSpan);
    const span = spans.get(number) ?? { earliest: at, latest: at };
    spans.set(number, { earliest: Math.min(span.earliest, at), latest: Math.max(span.latest, at) });
  }

  function goOn(known: Known, entry: EntryFacts, position: number): void {
    const life = lived(known.life, entry);
    const state =
      life === known.life
        ? known.state
        : codeOf({ status: life.status, phase: life.phase, corrupt: isCorrupt(life) });
    const isNewState = state !== known.state;
    insertStep.run(
      position,
      known.position,
      isNewState ? known.state : null,
      isNewState ? known.since : null,
    );
    if (life === known.life) return;
    known.life = life;
    known.isChanged = true;
    if (!isNewState) return;
    count(known.values, known.state, -1);
    count(known.values, state, 1);
    known.state = state;
    known.since = position;
  }

  function count(values: Known['values'], state: number, change: 1 | -1): void {
    const [workType, partition, requester, operation] = values;
    tally.add('state', 0, state, change);
    tally.add('workType', workType, state, change);
    tally.add('partition', partition, state, change);
    tally.add('requester', requester, state, change);
    tally.add('operation', operation, state, change);
  }

  function flush(): void {
    for (const { isChanged, life, position, created, state, since } of touched.values()) {
      if (!isChanged) continue;
      const { updatedAt, attempts, postponements, outcomeKnown, error } = life;
      const known = outcomeKnown === undefined ? null : Number(outcomeKnown);
      update.run(updatedAt - created, state, since, attempts, postponements, known, error ?? null, position);
    }
    for (const [number, { earliest, latest }] of spans) widenSpan.run(number, earliest, latest);
    tally.flush();
  }

  function forget(): void {
    touched.clear();
    spans.clear();
    tally.forget();
  }

  return {
    followed,
    write(from, entries) {
      database.exec('BEGIN IMMEDIATE');
      try {
        const before = followed();
        const fresh = from > before.entries ? [] : entries.slice(before.entries - from);
        const last = fresh.at(-1);
        if (last === undefined) {
          database.exec('ROLLBACK');
          return before.entries;
        }
        let unreadable = before.unreadable;
        for (const [i, bytes] of fresh.entries()) {
          const entry = factsIn(bytes);
          const position = before.entries + i;
          if (entry === undefined) unreadable += 1;
          else if (entry.type === 'accepted') begin(entry, position);
          else {
            const known = knownOf(entry.id);
            if (known !== undefined) goOn(known, entry, position);
            else if (entry.step !== undefined || entry.type === 'revealed')
              insertRunEntry.run(position, entry.id);
          }
        }
        flush();
        const end = before.entries + fresh.length;
        noteFollowed.run(end, createHash('sha256').update(last).digest(), unreadable);
        database.exec('COMMIT');
        return end;
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        words.forget();
        throw error;
      } finally {
        forget();
      }
    },
  };
}

const texts = ['type', 'id', 'at', 'method', 'route', 'workType', 'partition', 'requester'] as const;

/** What an entry says; undefined for bytes that are none. */
function factsIn(bytes: Uint8Array): EntryFacts | undefined {
  try {
    const value: unknown = JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
    );
    if (typeof value !== 'object' || value === null) return undefined;
    const facts = value as EntryFacts;
    const isWhole = texts.every((name) => typeof facts[name] === 'string');
    return isWhole && !Number.isNaN(Date.parse(facts.at)) ? facts : undefined;
  } catch {
    return undefined;
  }
}

function fromRow(row: Record<string, unknown>): Known {
  const state = Number(row['state']);
  const { status, phase } = stateCodes[state] ?? { status: 'NotStarted', phase: 'queued' };
  const outcomeKnown = row['outcome_known'];
  const created = Number(row['created']);
  return {
    position: Number(row['position']),
    created,
    values: [
      Number(row['work_type']),
      Number(row['partition']),
      Number(row['requester']),
      Number(row['operation']),
    ],
    life: {
      status,
      phase,
      attempts: Number(row['attempts']),
      postponements: Number(row['postponements']),
      updatedAt: created + Number(row['lasted']),
      outcomeKnown: outcomeKnown === null ? undefined : outcomeKnown === 1,
      error: row['error'] === null ? undefined : String(row['error']),
    },
    state,
    since: Number(row['since']),
    isChanged: false,
  };
}
