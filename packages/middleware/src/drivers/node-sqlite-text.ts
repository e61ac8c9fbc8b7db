/** What a text of SQL can do to the transaction that it runs in, as its words tell. */
export interface SqliteText {
  /** The last of its statements that ends a transaction, or may: RELEASE does if the savepoint is the outermost. */
  readonly ends: 'commit' | 'release' | 'rollback' | undefined;
  /** BEGIN or SAVEPOINT. */
  readonly begins: boolean;
  /** A statement that writes if it finds something to write. */
  readonly writes: boolean;
  /** A statement that writes what `total_changes()` does not count: the schema, statistics, the file itself. */
  readonly writesUncounted: boolean;
  /** ROLLBACK TO a savepoint. */
  readonly takesBack: boolean;
  /** A statement that SQLite keeps out of transactions: VACUUM. */
  readonly outsideOnly: boolean;
  /** More than one statement. */
  readonly several: boolean;
}

const token =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|[a-z_\u0080-\uffff][\w$\u0080-\uffff]*|;/gi;
const isWord = /^[a-z_]/i;
const modifying = /^(?:insert|replace|update|delete)$/;
const uncounted = /^(?:create|alter|drop|reindex|analyze|vacuum)$/;

/** Reads a text, or its first statement alone, which is all that `prepare` takes of it. */
export function readSqliteText(sql: string, part: 'all' | 'first'): SqliteText {
  let ends: SqliteText['ends'];
  let begins = false;
  let writes = false;
  let writesUncounted = false;
  let takesBack = false;
  let outsideOnly = false;
  let count = 0;
  for (const words of statementsOf(sql)) {
    count++;
    const [first = '', second = '', third = ''] = words;
    if (first === 'begin' || first === 'savepoint') begins = true;
    else if (first === 'commit' || first === 'end') ends = 'commit';
    else if (first === 'release') ends = 'release';
    else if (first === 'rollback') {
      if (second === 'to' || third === 'to') takesBack = true;
      else ends = 'rollback';
    } else if (first === 'with' ? words.some((word) => modifying.test(word)) : modifying.test(first))
      writes = true;
    else if (uncounted.test(first) && !/^temp(?:orary)?$/.test(second)) {
      writes = true;
      writesUncounted = true;
      outsideOnly ||= first === 'vacuum';
    }
    if (part === 'first') break;
  }
  return { ends, begins, writes, writesUncounted, takesBack, outsideOnly, several: count > 1 };
}

/** Whether a text neither writes nor touches a transaction's ends: nothing about it is to be measured. */
export function isPlain({ ends, begins, writes, takesBack }: SqliteText): boolean {
  return ends === undefined && !begins && !writes && !takesBack;
}

/** The words of each statement, in lower case. A trigger's statements belong to its CREATE, as for `sqlite3_complete`. */
function* statementsOf(sql: string): Generator<readonly string[]> {
  let words: string[] = [];
  let trigger: 'none' | 'inside' | 'after semicolon' | 'ended' = 'none';
  for (const [text] of sql.matchAll(token)) {
    if (text === ';') {
      if (trigger === 'none' || trigger === 'ended') {
        if (words.length > 0) yield words;
        words = [];
        trigger = 'none';
      } else trigger = 'after semicolon';
    } else if (isWord.test(text)) {
      const word = text.toLowerCase();
      words.push(word);
      if (trigger !== 'none') trigger = trigger === 'after semicolon' && word === 'end' ? 'ended' : 'inside';
      else if (word === 'trigger' && words[0] === 'create' && words.length <= 3) trigger = 'inside';
    }
  }
  if (words.length > 0) yield words;
}
