/** What one statement of MySQL or MariaDB does to transactions and data, as far as its words tell. */
export type Mysql2Effect =
  /** BEGIN, START TRANSACTION: commits what is open. */
  | 'begin'
  /** START TRANSACTION READ ONLY: the same. */
  | 'begin-reading'
  /** XA START: its own statements alone end it. */
  | 'xa-begin'
  /** SAVEPOINT, ROLLBACK TO, RELEASE SAVEPOINT: they end nothing. */
  | 'savepoint'
  | 'commit'
  | 'commit-chain'
  | 'rollback'
  | 'rollback-chain'
  /** SET autocommit = 1, or to what only the server knows: commits what is open where it was off. */
  | 'autocommit-on'
  | 'autocommit-off'
  /** Writes rows, if it finds any to write. */
  | 'write'
  /** Writes whatever its answer says: a call of a function that is known to write. */
  | 'call-writer'
  /** CALL of a procedure that is known to write, and that may commit. */
  | 'call-procedure'
  /** Its answer tells whether it wrote: CALL, EXECUTE, compound statements. */
  | 'call'
  /** Commits what is open and then itself: most of what changes the schema, users, privileges. */
  | 'define'
  /** Commits what is open, and does something else that is no commit: LOCK TABLES, FLUSH. */
  | 'end'
  | 'xa-prepare'
  /** The second phase: what was prepared is written, whoever did. */
  | 'xa-commit'
  | 'xa-commit-one-phase'
  | 'none';

/** Reads texts of SQL and remembers, within bounds, what it read. */
export class Mysql2TextReader {
  readonly #read = new Map<string, readonly Mysql2Effect[] | undefined>();
  readonly #writers: ReadonlySet<string>;

  /** `writingFunctions`: names of stored functions and procedures that write. */
  constructor(writingFunctions: readonly string[]) {
    this.#writers = new Set(writingFunctions.map((name) => name.toLowerCase()));
  }

  /** The effects of its statements, in order; undefined where none has any: most texts, and none of the driver's business. */
  read(text: string): readonly Mysql2Effect[] | undefined {
    if (this.#read.has(text)) return this.#read.get(text);
    const effects = statementsOf(text.slice(0, longestReadText)).map((words) =>
      effectOf(words, this.#writers),
    );
    const known = effects.every((effect) => effect === 'none') ? undefined : effects;
    if (text.length <= longestRememberedText) {
      if (this.#read.size >= rememberedTexts) {
        const [oldest] = this.#read.keys();
        if (oldest !== undefined) this.#read.delete(oldest);
      }
      this.#read.set(text, known);
    }
    return known;
  }
}

const rememberedTexts = 2_000;
const longestRememberedText = 4_096;
/** What is behind it is data. */
const longestReadText = 1_048_576;

// Strings, quoted names, comments (a bare -- is two signs unless a space follows), the brackets of comments that the
// server runs, words, and what tells statements and calls apart.
const token =
  /'(?:[^'\\]+|\\[\s\S]|'')*'?|"(?:[^"\\]+|\\[\s\S]|"")*"?|`(?:[^`]+|``)*`?|#[^\n]*|--(?=[\s]|$)[^\n]*|\/\*M?!\d*|\/\*[\s\S]*?(?:\*\/|$)|\*\/|@{0,2}[\w$\u0080-\uffff]+(?:\.(?=[\w$\u0080-\uffff]))?|[;(=,]/gi;
const isWord = /^[@\w$\u0080-\uffff]/;
const definesBody = /^(?:procedure|function|trigger|event|package)$/;

/** The telling words of each statement, in lower case; `(` and `=` stand among them, quoted names and literals as `'`. */
function statementsOf(text: string): readonly (readonly string[])[] {
  const statements: string[][] = [];
  let words: string[] = [];
  let hasBody = false;
  for (const [found] of text.matchAll(token)) {
    if (found === ';') {
      // The body of a routine belongs to what creates it, to the end of the text.
      if (hasBody) continue;
      if (words.length > 0) statements.push(words);
      words = [];
    } else if (isWord.test(found)) {
      const word = found.toLowerCase();
      words.push(word);
      if (words[0] === 'create' && words.length <= 12 && definesBody.test(word)) hasBody = true;
      if (words.length === 2 && words[0] === 'begin' && word === 'not') hasBody = true;
    } else if (/^['"`(=,]/.test(found) && words.length > 0) words.push(found.length > 1 ? "'" : found);
  }
  if (words.length > 0) statements.push(words);
  return statements;
}

const modifying = /^(?:insert|update|delete|replace)$/;
const defining =
  /^(?:create|drop|alter|rename|truncate|grant|revoke|install|uninstall|optimize|repair|import)$/;
const ending = /^(?:lock|unlock|flush|cache|check|reset|change|start|stop)$/;

function effectOf(words: readonly string[], writers: ReadonlySet<string>): Mysql2Effect {
  const [first = '', second = '', third = ''] = words;
  switch (first) {
    case 'begin':
      return second === 'not' ? 'call' : 'begin';
    case 'start':
      if (second !== 'transaction') return 'end';
      return words.some((word, at) => word === 'read' && words[at + 1] === 'only')
        ? 'begin-reading'
        : 'begin';
    case 'commit':
      return chains(words) ? 'commit-chain' : 'commit';
    case 'rollback':
      if (second === 'to' || (second === 'work' && third === 'to')) return 'savepoint';
      return chains(words) ? 'rollback-chain' : 'rollback';
    case 'savepoint':
    case 'release':
      return 'savepoint';
    case 'set':
      return effectOfSet(words);
    case 'xa':
      return effectOfXa(second, words);
    case 'call':
      return callsOneOf(writers, words) ? 'call-procedure' : 'call';
    case 'execute':
      return 'call';
    case 'load':
      return second === 'data' || second === 'xml' ? 'write' : 'end';
    case 'analyze':
      return words.some((word) => modifying.test(word)) ? 'call-writer' : 'define';
    case 'with':
      if (words.some((word) => modifying.test(word))) return 'write';
      break;
    default:
      if (modifying.test(first)) return 'write';
      if (defining.test(first)) return words.slice(1, 4).includes('temporary') ? 'none' : 'define';
      if (ending.test(first)) return 'end';
  }
  return writers.size > 0 && callsOneOf(writers, words) ? 'call-writer' : 'none';
}

/** AND CHAIN, and not AND NO CHAIN. */
function chains(words: readonly string[]): boolean {
  const at = words.indexOf('and');
  return at !== -1 && words[at + 1] === 'chain';
}

/** A variable may be named autocommit, @@autocommit, session autocommit or @@session.autocommit. */
function effectOfSet(words: readonly string[]): Mysql2Effect {
  const [, second = ''] = words;
  if (second === 'password') return 'define';
  const at = words.findIndex((word) => word === 'autocommit' || word === '@@autocommit');
  if (at === -1 || words[at - 1] === 'global' || words[at - 1] === '@@global.') return 'none';
  const value = words[at + 1] === '=' ? words[at + 2] : words[at + 1];
  return value === '0' || value === 'off' || value === 'false' ? 'autocommit-off' : 'autocommit-on';
}

function effectOfXa(second: string, words: readonly string[]): Mysql2Effect {
  switch (second) {
    case 'start':
    case 'begin':
      return 'xa-begin';
    case 'prepare':
      return 'xa-prepare';
    case 'commit':
      return words.includes('phase') ? 'xa-commit-one-phase' : 'xa-commit';
    case 'rollback':
      return 'rollback';
    default:
      return 'none';
  }
}

/** A name that stands before a parenthesis, or behind CALL, with or without its schema. */
function callsOneOf(writers: ReadonlySet<string>, words: readonly string[]): boolean {
  return words.some((word, at) => {
    const called = words[at + 1] === '(' || (words[0] === 'call' && at > 0);
    return called && writers.has(word);
  });
}
