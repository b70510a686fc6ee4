/** Offsets of a text as lines and columns. Lines end as `renderIssue` ends them: at CRLF, CR or LF. */
import type { Span } from '../base/source.ts';

export class Lines {
  readonly #starts: number[] = [0];
  /** Offset behind the last character of each line, without its line break. */
  readonly #ends: number[] = [];

  constructor(text: string) {
    for (const match of text.matchAll(/\r\n|\r|\n/g)) {
      this.#ends.push(match.index);
      this.#starts.push(match.index + match[0].length);
    }
    this.#ends.push(text.length);
  }

  /** The span from `start` up to `end`, cut at the end of its first line. Offsets outside the text are pulled into it. */
  span(start: number, end: number): Span {
    const last = this.#starts.length - 1;
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= start) low = middle;
      else high = middle - 1;
    }
    const lineEnd = this.#ends[low]!;
    const from = Math.max(this.#starts[low]!, Math.min(start, lineEnd));
    const to = Math.min(end, lineEnd);
    return { line: low + 1, column: from - this.#starts[low]! + 1, length: Math.max(1, to - from) };
  }
}
