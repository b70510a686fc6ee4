/**
 * Finds any of several byte strings in bytes that come in pieces. The last two bytes of a window as long as the
 * shortest needle say how far the window may move on (Wu and Manber, "A fast algorithm for multi-pattern searching",
 * 1994), so most bytes are never looked at.
 */
export interface Needle<T> {
  readonly bytes: Uint8Array;
  readonly meaning: T;
}

export interface Hit<T> {
  /** Where it begins. */
  readonly at: number;
  readonly needle: Needle<T>;
}

const BLOCKS = 1 << 16;

export class Needles<T> {
  readonly #needles: readonly Needle<T>[];
  readonly #shortest: number;
  readonly #longest: number;
  /** By block (two bytes): how far the window may move on. */
  readonly #moves = new Uint16Array(BLOCKS);
  /** By block: the needles whose first `#shortest` bytes end in it; longer ones first. */
  readonly #ending = new Map<number, Needle<T>[]>();
  readonly #begins = new Uint8Array(256);

  /** @param needles each at least two bytes long; of two that begin at one place the longer is found */
  constructor(needles: readonly Needle<T>[]) {
    this.#needles = [...needles].sort((a, b) => b.bytes.length - a.bytes.length);
    this.#longest = this.#needles[0]?.bytes.length ?? 0;
    this.#shortest = Math.min(this.#needles.at(-1)?.bytes.length ?? 0, 0xffff);
    if (this.#needles.length > 0 && this.#shortest < 2)
      throw new RangeError('a needle of less than two bytes');
    this.#moves.fill(Math.max(1, this.#shortest - 1));
    for (const needle of this.#needles) this.#add(needle);
  }

  #add(needle: Needle<T>): void {
    const { bytes } = needle;
    this.#begins[bytes[0]!] = 1;
    for (let end = 1; end < this.#shortest; end += 1) {
      const block = (bytes[end - 1]! << 8) | bytes[end]!;
      this.#moves[block] = Math.min(this.#moves[block]!, this.#shortest - 1 - end);
    }
    const last = (bytes[this.#shortest - 2]! << 8) | bytes[this.#shortest - 1]!;
    const others = this.#ending.get(last);
    if (others === undefined) this.#ending.set(last, [needle]);
    else others.push(needle);
  }

  get isEmpty(): boolean {
    return this.#needles.length === 0;
  }

  /** The first that is complete at `from` or after it, or null. */
  find(bytes: Buffer, from: number): Hit<T> | null {
    if (this.isEmpty) return null;
    const moves = this.#moves;
    for (let end = from + this.#shortest - 1; end < bytes.length; ) {
      const block = (bytes[end - 1]! << 8) | bytes[end]!;
      const move = moves[block]!;
      if (move > 0) {
        end += move;
        continue;
      }
      const at = end - this.#shortest + 1;
      const needle = this.#ending.get(block)?.find(({ bytes: wanted }) => startsWith(bytes, at, wanted));
      if (needle !== undefined) return { at, needle };
      end += 1;
    }
    return null;
  }

  /** Where the end of `bytes` begins that could become one of them with what comes next; the length when none could. */
  openFrom(bytes: Buffer, from: number): number {
    for (let at = Math.max(from, bytes.length - this.#longest + 1); at < bytes.length; at += 1) {
      if (this.#begins[bytes[at]!] === 0) continue;
      const rest = bytes.length - at;
      const open = this.#needles.some(
        ({ bytes: wanted }) => wanted.length > rest && bytes.compare(wanted, 0, rest, at) === 0,
      );
      if (open) return at;
    }
    return bytes.length;
  }
}

const startsWith = (bytes: Buffer, at: number, wanted: Uint8Array): boolean =>
  bytes.length - at >= wanted.length && bytes.compare(wanted, 0, wanted.length, at, at + wanted.length) === 0;
