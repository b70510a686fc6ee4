/** Splits a stream of server-sent events (WHATWG HTML, section 9.2) into whole ones, byte for byte. */

export interface EventBlock {
  /** With the empty line that ends it. */
  readonly bytes: Buffer;
  /** Its `data` lines, joined; null: there are none, or it is too long to be looked at. */
  readonly data: string | null;
}

const LF = 0x0a;
const CR = 0x0d;

export class EventSplitter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #held = 0;
  /** The event is longer than is looked at: its bytes pass as they come, until its end. */
  #passing = false;
  #lineIsEmpty = true;
  #afterCr = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): EventBlock[] {
    const blocks: EventBlock[] = [];
    let start = 0;
    for (let i = 0; i < chunk.length; i += 1) {
      if (!this.#ends(chunk[i]!)) continue;
      // `\r\n\r\n` ends with its `\n`; where it has not come yet, it begins the next block as an empty line.
      const end = chunk[i] === CR && chunk[i + 1] === LF ? i + 2 : i + 1;
      blocks.push(this.#block(chunk.subarray(start, end)));
      start = end;
      if (end === i + 2) i += 1;
    }
    const rest = chunk.subarray(start);
    if (rest.length === 0) return blocks;
    this.#parts.push(rest);
    this.#held += rest.length;
    if (this.#passing || this.#held > this.#maxBytes) {
      this.#passing = true;
      blocks.push({ bytes: this.#take(), data: null });
    }
    return blocks;
  }

  /** What has come of an event that did not end. */
  finish(): Buffer {
    return this.#take();
  }

  /** Whether the byte ends an empty line. */
  #ends(byte: number): boolean {
    if (byte === LF && this.#afterCr) {
      this.#afterCr = false;
      return false;
    }
    this.#afterCr = byte === CR;
    if (byte !== LF && byte !== CR) {
      this.#lineIsEmpty = false;
      return false;
    }
    const ends = this.#lineIsEmpty;
    this.#lineIsEmpty = true;
    return ends;
  }

  #block(last: Buffer): EventBlock {
    this.#parts.push(last);
    this.#held += last.length;
    const looked = !this.#passing && this.#held <= this.#maxBytes;
    const bytes = this.#take();
    this.#passing = false;
    this.#afterCr = false;
    return { bytes, data: looked ? dataOf(bytes) : null };
  }

  #take(): Buffer {
    const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#held = 0;
    return bytes;
  }
}

function dataOf(bytes: Buffer): string | null {
  const data = bytes
    .toString('utf8')
    .split(/\r\n|\n|\r/)
    .flatMap((line) => (/^data(?::|$)/.test(line) ? line.slice(5).replace(/^ /, '') : []));
  return data.length === 0 ? null : data.join('\n');
}
