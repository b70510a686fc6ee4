/** A place in a text: line and column count from 1, `length` is in UTF-16 units on that line (at least 1). */
export interface Span {
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

export type Severity = 'error' | 'warning' | 'note';

/** One complaint about a text that a person wrote. `code` is stable and documented in docs/policy-errors.md. */
export interface Issue {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  /** What to write instead; a sentence. */
  readonly hint: string | null;
  /** Null when the complaint is about the file as a whole (its size, say). */
  readonly span: Span | null;
  /** Where in the document, as `network_policies.github.endpoints[0].host`; empty for the whole document. */
  readonly path: string;
}

const MAX_LINE_SHOWN = 160;
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Text that cannot steer a terminal: control and bidirectional characters become `\u{..}` escapes. */
export function printable(text: string): string {
  return text.replace(CONTROL, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}

/** The same on one line: line feeds and tabs are escaped too. */
export const onOneLine = (text: string): string =>
  printable(text).replace(/[\n\t]/g, (c) => (c === '\n' ? '\\n' : '\\t'));

/** Renders an issue as `file:line:column: severity: message`, the source line, a caret and the hint. */
export function renderIssue(issue: Issue, file: string, text: string): string {
  const name = printable(file);
  if (issue.span === null) {
    const head = `${name}: ${issue.severity}: ${issue.message} [${issue.code}]`;
    return issue.hint === null ? head : `${head}\n  hint: ${issue.hint}`;
  }
  const { line, column, length } = issue.span;
  const raw = text.split(/\r\n|\r|\n/)[line - 1] ?? '';
  const start = column > MAX_LINE_SHOWN - 40 ? column - 60 : 0;
  const shown = raw.slice(start, start + MAX_LINE_SHOWN);
  const before = printable(shown.slice(0, column - 1 - start).replace(/\t/g, ' '));
  const marked = printable(shown.slice(column - 1 - start, column - 1 - start + length));
  const gutter = String(line);
  const blank = ' '.repeat(gutter.length);
  const out = [
    `${name}:${line}:${column}: ${issue.severity}: ${issue.message} [${issue.code}]`,
    `  ${gutter} | ${printable(shown.replace(/\t/g, ' '))}`,
    `  ${blank} | ${' '.repeat(before.length)}${'^'.repeat(Math.max(1, marked.length))}`,
  ];
  if (issue.hint !== null) out.push(`  ${blank} = hint: ${issue.hint}`);
  return out.join('\n');
}
