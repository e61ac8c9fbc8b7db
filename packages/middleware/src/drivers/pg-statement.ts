import { type ScannedStatement, scanStatements } from './pg-scan.ts';

/** What a statement text does to transactions and data, as far as its words tell. */
export interface PgStatement {
  /** Neither ends nor begins a transaction nor writes: most statements, and none of the driver's business. */
  readonly plain: boolean;
  /** More than one statement in one string. */
  readonly several: boolean;
  /** It contains a BEGIN or START TRANSACTION. */
  readonly begins: boolean;
  /** That transaction says READ ONLY. */
  readonly readOnly: boolean;
  /** It contains a COMMIT, END, PREPARE TRANSACTION or COMMIT PREPARED. */
  readonly commits: boolean;
  /** How it leaves the session; `same`: as it was before. */
  readonly leaves: 'open' | 'closed' | 'same';
  readonly writes: boolean;
  /** EXECUTE: what it does, only its answer tells. */
  readonly answerTells: boolean;
  /** PostgreSQL refuses it inside a transaction block. */
  readonly outsideOnly: boolean;
}

const alwaysWrite = new Set(
  `insert update delete merge truncate create alter drop comment grant revoke reindex cluster vacuum analyze
   refresh security import reassign call do`.split(/\s+/),
);

const rememberedTexts = 2_000;
const longestRememberedText = 4_096;

/** Reads statement texts and remembers, within bounds, what it read. */
export class StatementReader {
  readonly #read = new Map<string, PgStatement>();
  readonly #writingFunctions: ReadonlySet<string>;

  /** `writingFunctions`: names of functions that write, besides PostgreSQL's own. */
  constructor(writingFunctions: readonly string[]) {
    this.#writingFunctions = new Set(writingFunctions.map((name) => name.toLowerCase()));
  }

  read(text: string): PgStatement {
    const known = this.#read.get(text);
    if (known !== undefined) return known;
    const statement = together(scanStatements(text, this.#writingFunctions).map(effectOf));
    if (text.length <= longestRememberedText) {
      if (this.#read.size >= rememberedTexts) {
        const [oldest] = this.#read.keys();
        if (oldest !== undefined) this.#read.delete(oldest);
      }
      this.#read.set(text, statement);
    }
    return statement;
  }
}

const nothing: PgStatement = {
  plain: true,
  several: false,
  begins: false,
  readOnly: false,
  commits: false,
  leaves: 'same',
  writes: false,
  answerTells: false,
  outsideOnly: false,
};

function together(effects: readonly PgStatement[]): PgStatement {
  if (effects.length === 0) return nothing;
  const [first] = effects;
  if (first !== undefined && effects.length === 1) return first;
  return {
    plain: effects.every((effect) => effect.plain),
    several: true,
    begins: effects.some((effect) => effect.begins),
    readOnly: effects.every((effect) => effect.readOnly || !effect.begins),
    commits: effects.some((effect) => effect.commits),
    leaves: effects.findLast((effect) => effect.leaves !== 'same')?.leaves ?? 'same',
    writes: effects.some((effect) => effect.writes),
    answerTells: effects.some((effect) => effect.answerTells),
    outsideOnly: effects.some((effect) => effect.outsideOnly),
  };
}

function effectOf(statement: ScannedStatement): PgStatement {
  const { first, second, third } = statement;
  const opensNext = { leaves: statement.chains ? 'open' : 'closed' } as const;
  switch (first) {
    case 'begin':
      return effect({ begins: true, leaves: 'open', readOnly: statement.readOnly });
    case 'start':
      return second === 'transaction'
        ? effect({ begins: true, leaves: 'open', readOnly: statement.readOnly })
        : nothing;
    case 'commit':
    case 'end':
      return second === 'prepared'
        ? effect({ commits: true, writes: true, outsideOnly: true })
        : effect({ commits: true, ...opensNext });
    case 'prepare':
      return second === 'transaction' ? effect({ commits: true, leaves: 'closed' }) : nothing;
    case 'rollback':
    case 'abort':
      if (second === 'prepared') return effect({ outsideOnly: true });
      return isToSavepoint(second, third) ? nothing : effect(opensNext);
    case 'execute':
      return effect({ answerTells: true });
    case 'explain':
      return statement.analyzes && statement.modifiesAnywhere ? effect({ writes: true }) : nothing;
    case 'copy':
      return statement.copiesIn ? effect({ writes: true }) : nothing;
    default:
      if (alwaysWrite.has(first)) return effect({ writes: true, outsideOnly: standsAlone(statement) });
      return statement.modifies || statement.locksRows || statement.selectsInto || statement.callsWriter
        ? effect({ writes: true })
        : nothing;
  }
}

function effect(does: Partial<PgStatement>): PgStatement {
  return { ...nothing, plain: false, ...does };
}

/** ROLLBACK [WORK | TRANSACTION] TO [SAVEPOINT] ends nothing. */
function isToSavepoint(second: string, third: string): boolean {
  return second === 'to' || ((second === 'work' || second === 'transaction') && third === 'to');
}

function standsAlone({ first, second, concurrently }: ScannedStatement): boolean {
  if (first === 'vacuum' || concurrently) return true;
  if (first === 'alter') return second === 'system';
  if (first === 'reindex') return second === 'database' || second === 'system' || second === 'schema';
  return (first === 'create' || first === 'drop') && /^(database|tablespace|subscription)$/.test(second);
}
