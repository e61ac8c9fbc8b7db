/** The telling words of one statement, lower case, comments and literals left out. */
export interface ScannedStatement {
  first: string;
  second: string;
  third: string;
  /** AND CHAIN. */
  chains: boolean;
  readOnly: boolean;
  /** INSERT, UPDATE, DELETE or MERGE where a statement may begin: also inside WITH. */
  modifies: boolean;
  /** One of these words anywhere, as behind EXPLAIN. */
  modifiesAnywhere: boolean;
  /** FOR UPDATE, NO KEY UPDATE, SHARE or KEY SHARE. */
  locksRows: boolean;
  selectsInto: boolean;
  /** A call of a function that is known to write. */
  callsWriter: boolean;
  analyzes: boolean;
  /** COPY ... FROM. */
  copiesIn: boolean;
  concurrently: boolean;
}

/**
 * PostgreSQL's own functions that write to the log in their transaction. Not `nextval`: it writes once in 32
 * calls, so that 31 of its commits would tell nothing of the disk.
 */
const writers = new Set(
  'setval pg_logical_emit_message lo_create lo_creat lo_from_bytea lo_import lo_put lo_truncate lo_unlink lowrite'.split(
    ' ',
  ),
);

/** Splits a text at its semicolons and notes the telling words of each statement. Never throws. */
export function scanStatements(text: string, writingFunctions: ReadonlySet<string>): ScannedStatement[] {
  return new Scan(text, writingFunctions).statements();
}

const wordChars = /[\w$\u0080-\uffff]+/y;
const numberChars = /[\w.]+/y;
const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;

class Scan {
  readonly #text: string;
  readonly #writingFunctions: ReadonlySet<string>;
  readonly #done: ScannedStatement[] = [];
  #now = emptyStatement();
  /** The token before: a word, or a sign. */
  #before = '';
  #depth = 0;
  #at = 0;

  constructor(text: string, writingFunctions: ReadonlySet<string>) {
    this.#text = text;
    this.#writingFunctions = writingFunctions;
  }

  statements(): ScannedStatement[] {
    while (this.#at < this.#text.length) this.#token();
    this.#endStatement();
    return this.#done;
  }

  #token(): void {
    const text = this.#text;
    const char = text[this.#at] as string;
    if (char <= ' ') this.#at++;
    else if (char === '-' && text[this.#at + 1] === '-') this.#skipTo(text.indexOf('\n', this.#at), 1);
    else if (char === '/' && text[this.#at + 1] === '*') this.#skipComment();
    else if (char === "'") this.#skipQuoted("'", false);
    else if (char === '"') this.#skipQuoted('"', false);
    else if (char === '$') this.#skipDollar();
    else if (/[A-Za-z_\u0080-\uffff]/.test(char)) this.#word(this.#match(wordChars).toLowerCase());
    else if (char >= '0' && char <= '9') this.#match(numberChars);
    else this.#sign(char);
  }

  #sign(char: string): void {
    this.#at++;
    if (char === ';') {
      this.#endStatement();
      return;
    }
    if (char === '(') {
      if (writers.has(this.#before) || this.#writingFunctions.has(this.#before)) this.#now.callsWriter = true;
      this.#depth++;
    } else if (char === ')') this.#depth--;
    this.#before = char;
  }

  #word(word: string): void {
    if (word === 'e' && this.#text[this.#at] === "'") {
      this.#skipQuoted("'", true);
      return;
    }
    const now = this.#now;
    const before = this.#before;
    if (now.first === '') now.first = word;
    else if (now.second === '') now.second = word;
    else if (now.third === '') now.third = word;
    this.#note(now, word, before);
    this.#before = word;
  }

  #note(now: ScannedStatement, word: string, before: string): void {
    switch (word) {
      case 'insert':
      case 'update':
      case 'delete':
      case 'merge':
        if (word === 'update' && (before === 'for' || before === 'key')) now.locksRows = true;
        else now.modifiesAnywhere = true;
        if (before === '' || before === '(' || before === ')') now.modifies = true;
        return;
      case 'share':
        if (before === 'for' || before === 'key') now.locksRows = true;
        return;
      case 'into':
        if (this.#depth === 0) now.selectsInto = true;
        return;
      case 'from':
        if (this.#depth === 0) now.copiesIn = true;
        return;
      case 'chain':
        if (before === 'and') now.chains = true;
        return;
      case 'only':
        if (before === 'read') now.readOnly = true;
        return;
      case 'analyze':
        now.analyzes = true;
        return;
      case 'concurrently':
        now.concurrently = true;
        return;
    }
  }

  #endStatement(): void {
    if (this.#now.first !== '') this.#done.push(this.#now);
    this.#now = emptyStatement();
    this.#before = '';
    this.#depth = 0;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [''];
    this.#at += Math.max(1, found.length);
    return found;
  }

  #skipTo(index: number, length: number): void {
    this.#at = index === -1 ? this.#text.length : index + length;
  }

  /** Comments nest. */
  #skipComment(): void {
    let depth = 0;
    const marks = /\/\*|\*\//g;
    marks.lastIndex = this.#at;
    for (let mark = marks.exec(this.#text); mark !== null; mark = marks.exec(this.#text)) {
      depth += mark[0] === '/*' ? 1 : -1;
      if (depth === 0) {
        this.#at = marks.lastIndex;
        return;
      }
    }
    this.#at = this.#text.length;
  }

  #skipQuoted(quote: string, escapes: boolean): void {
    this.#before = 'quoted';
    let at = this.#at + 1;
    for (;;) {
      const end = this.#text.indexOf(quote, at);
      if (end === -1) break;
      const backslash = escapes ? this.#text.indexOf('\\', at) : -1;
      if (backslash !== -1 && backslash < end) at = backslash + 2;
      else if (this.#text[end + 1] === quote) at = end + 2;
      else {
        this.#at = end + 1;
        return;
      }
    }
    this.#at = this.#text.length;
  }

  #skipDollar(): void {
    dollarTag.lastIndex = this.#at;
    const [tag] = dollarTag.exec(this.#text) ?? [];
    if (tag === undefined) this.#at++;
    else this.#skipTo(this.#text.indexOf(tag, this.#at + tag.length), tag.length);
    this.#before = 'quoted';
  }
}

function emptyStatement(): ScannedStatement {
  return {
    first: '',
    second: '',
    third: '',
    chains: false,
    readOnly: false,
    modifies: false,
    modifiesAnywhere: false,
    locksRows: false,
    selectsInto: false,
    callsWriter: false,
    analyzes: false,
    copiesIn: false,
    concurrently: false,
  };
}
