/** Collects complaints: all of them at once, but never more than a person can read. */
import { type Issue, printable, type Severity, type Span } from '../base/source.ts';
import { ISSUE_CODES, type IssueCode } from './codes.ts';
import { POLICY_LIMITS } from './limits.ts';

/** Where a complaint stands. `span` is null for the file as a whole. */
export interface Place {
  readonly span: Span | null;
  /** As `network_policies.github.endpoints[0].host`; empty for the whole document. */
  readonly path: string;
}

export class Issues {
  /** Kept and dropped by severity, so that a flood of notes cannot hide an error. */
  readonly #kept: Record<Severity, Issue[]> = { error: [], warning: [], note: [] };
  readonly #dropped: Record<Severity, number> = { error: 0, warning: 0, note: 0 };

  /**
   * `message` is a clause without a full stop, `hint` a sentence that says what to write instead; a function where it
   * costs something to find it.
   */
  report(
    code: IssueCode,
    place: Place,
    message: string,
    hint: string | null | (() => string | null) = null,
  ): void {
    const { severity } = ISSUE_CODES[code];
    if (this.#kept[severity].length >= POLICY_LIMITS.issues) {
      this.#dropped[severity] += 1;
      return;
    }
    const said = typeof hint === 'function' ? hint() : hint;
    this.#kept[severity].push({ code, severity, message, hint: said, span: place.span, path: place.path });
  }

  get hasErrors(): boolean {
    return this.#kept.error.length > 0;
  }

  /** All complaints by position; those about the whole file come first, counts of what is not shown come last. */
  sorted(): Issue[] {
    const { error, warning, note } = this.#kept;
    const sorted = [...error, ...warning, ...note].sort(byPosition);
    const { error: errors } = this.#dropped;
    const others = this.#dropped.warning + this.#dropped.note;
    if (errors > 0) sorted.push(notShown('too_many_issues', `${errors} more errors are not shown`));
    if (others > 0)
      sorted.push(notShown('too_many_notes', `${others} more warnings and notes are not shown`));
    return sorted;
  }
}

function notShown(code: IssueCode, message: string): Issue {
  const { severity } = ISSUE_CODES[code];
  return { code, severity, message, hint: 'Mend those above first.', span: null, path: '' };
}

function byPosition(a: Issue, b: Issue): number {
  const line = (a.span?.line ?? 0) - (b.span?.line ?? 0);
  if (line !== 0) return line;
  const column = (a.span?.column ?? 0) - (b.span?.column ?? 0);
  if (column !== 0) return column;
  if (a.code !== b.code) return a.code < b.code ? -1 : 1;
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

const MAX_SHOWN = 80;

/** Text of the user's in a message: in backticks, shortened, unable to steer a terminal. */
export function quoted(text: string): string {
  const cut = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN).replace(/[\ud800-\udbff]$/, '')}…` : text;
  return `\`${printable(cut.replace(/[\t\n]/g, ' '))}\``;
}

/** `a`, `b` or `c`. */
export function alternatives(words: readonly string[], conjunction: 'or' | 'and' = 'or'): string {
  const shown = words.map((word) => `\`${word}\``);
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} ${conjunction} ${shown.at(-1)}`;
}
