/**
 * Reads JSON text piece by piece (RFC 8259), and keeps of it only where the members of the outermost object are, and
 * the text of those that are wanted. Memory does not depend on the text. No tree is built: a body of nested brackets
 * costs a hundred times its size as one.
 */
import { err, ok, type Result } from '../base/result.ts';

export interface Member {
  readonly key: string;
  /** Where the value begins and ends: bytes from the start of the text. */
  readonly start: number;
  readonly end: number;
  /** The value as it stands there; null: not wanted, or longer than is kept. */
  readonly text: string | null;
}

export interface JsonBounds {
  readonly depth: number;
  readonly members: number;
  /** Bytes of a wanted value, and of a key. */
  readonly kept: number;
}

type At = 'value' | 'first item' | 'first key' | 'key' | 'colon' | 'comma' | 'end';

const OBJECT = 0x7b;
const LIST = 0x5b;
const WORDS: Readonly<Record<number, string>> = { 116: 'true', 102: 'false', 110: 'null' };
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const MAX_NUMBER = 400;

export class JsonMembers {
  readonly #bounds: JsonBounds;
  readonly #wanted: (key: string) => boolean;
  readonly #members: Member[] = [];
  readonly #keys = new Set<string>();
  readonly #stack: number[] = [];
  #at: At = 'value';
  #offset = 0;
  #isObject = false;
  #problem: string | null = null;
  /** What a string, number or word that is not finished holds so far; strings only where they are kept. */
  #token: 'string' | 'number' | 'word' | null = null;
  #plain = '';
  #escape = 0;
  #unicode = 0;
  #keeping: number[] | null = null;
  #key = '';
  #start = 0;
  #isKey = false;
  /** Bytes of a UTF-8 sequence that are still to come, and what the next may be. */
  #utf8 = { left: 0, low: 0x80, high: 0xbf };

  constructor(bounds: JsonBounds, wanted: (key: string) => boolean) {
    this.#bounds = bounds;
    this.#wanted = wanted;
  }

  push(chunk: Uint8Array): void {
    for (let i = 0; i < chunk.length && this.#problem === null; i += 1) {
      const plain = this.#plainFrom(chunk, i) - i;
      this.#offset += plain;
      i += plain;
      if (i === chunk.length) return;
      this.#byte(chunk[i]!);
      this.#offset += 1;
    }
  }

  /** The text has ended. In the order of the text; null: it is no object. Errors are clauses that follow "the text". */
  finish(): Result<readonly Member[] | null, string> {
    if (this.#problem === null && (this.#token === 'number' || this.#token === 'word')) this.#endScalar();
    if (this.#problem !== null) return err(this.#problem);
    if (this.#at !== 'end') return err('ends before it is complete');
    return ok(this.#isObject ? this.#members : null);
  }

  /** Where the next byte is that means something: most of a request is the inside of long strings. */
  #plainFrom(chunk: Uint8Array, from: number): number {
    const skips = this.#token === 'string' && this.#keeping === null && this.#utf8.left === 0;
    if (!skips || this.#escape > 0 || this.#unicode > 0) return from;
    let i = from;
    for (let byte = chunk[i]; byte !== undefined && byte >= 0x20 && byte < 0x80; byte = chunk[++i])
      if (byte === 0x22 || byte === 0x5c) break;
    return i;
  }

  #byte(byte: number): void {
    if (this.#token === 'string') return void this.#inString(byte);
    if (this.#token !== null) {
      if (isWordByte(byte)) {
        if (this.#plain.length >= MAX_NUMBER) return void this.#fail('holds a number that is too long');
        this.#plain += String.fromCharCode(byte);
        this.#keep(byte);
        return;
      }
      this.#endScalar();
      if (this.#problem !== null) return;
    }
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return void this.#keep(byte);
    this.#structural(byte);
  }

  #structural(byte: number): void {
    switch (this.#at) {
      case 'first item':
        if (byte === 0x5d) return void this.#leave(byte);
        return void this.#value(byte);
      case 'value':
        return void this.#value(byte);
      case 'first key':
      case 'key':
        if (byte === 0x7d && this.#at === 'first key') return void this.#leave(byte);
        if (byte !== 0x22) return void this.#fail('lacks a key');
        return void this.#openString(true, byte);
      case 'colon':
        if (byte !== 0x3a) return void this.#fail('lacks a `:`');
        this.#at = 'value';
        return void this.#keep(byte);
      case 'comma':
        if (byte === 0x2c) {
          this.#at = this.#stack.at(-1) === OBJECT ? 'key' : 'value';
          return void this.#keep(byte);
        }
        if (byte === (this.#stack.at(-1) === OBJECT ? 0x7d : 0x5d)) return void this.#leave(byte);
        return void this.#fail('lacks a `,`');
      default:
        return void this.#fail('goes on after its end');
    }
  }

  #value(byte: number): void {
    if (this.#stack.length === 1 && this.#stack[0] === OBJECT) this.#begin();
    if (byte === OBJECT || byte === LIST) {
      if (this.#stack.length >= this.#bounds.depth) return void this.#fail('is nested too deep');
      this.#stack.push(byte);
      this.#at = byte === OBJECT ? 'first key' : 'first item';
      return void this.#keep(byte);
    }
    if (byte === 0x22) return void this.#openString(false, byte);
    const number = byte === 0x2d || (byte >= 0x30 && byte <= 0x39);
    if (!number && WORDS[byte] === undefined) return void this.#fail('holds what is no value');
    this.#token = number ? 'number' : 'word';
    this.#plain = String.fromCharCode(byte);
    this.#keep(byte);
  }

  /** The value of a member of the outermost object. */
  #begin(): void {
    this.#start = this.#offset;
    this.#keeping = this.#wanted(this.#key) ? [] : null;
  }

  #openString(isKey: boolean, byte: number): void {
    this.#token = 'string';
    this.#isKey = isKey;
    if (isKey && this.#stack.length === 1) this.#keeping = [];
    this.#keep(byte);
  }

  #inString(byte: number): void {
    this.#keep(byte);
    if (this.#utf8.left > 0) return void this.#continuation(byte);
    if (this.#unicode > 0) {
      if (!isHex(byte)) return void this.#fail('holds `\\u` without four hexadecimal digits');
      this.#unicode -= 1;
    } else if (this.#escape > 0) {
      this.#escape = 0;
      if (byte === 0x75) this.#unicode = 4;
      else if (!'"\\/bfnrt'.includes(String.fromCharCode(byte))) this.#fail('holds an escape that is none');
    } else if (byte === 0x5c) this.#escape = 1;
    else if (byte === 0x22) this.#endString();
    else if (byte < 0x20) this.#fail('holds a control character in a string');
    else if (byte >= 0x80) this.#lead(byte);
  }

  /** RFC 3629, section 4. */
  #lead(byte: number): void {
    if (byte >= 0xc2 && byte <= 0xdf) this.#utf8 = { left: 1, low: 0x80, high: 0xbf };
    else if (byte >= 0xe0 && byte <= 0xef)
      this.#utf8 = { left: 2, low: byte === 0xe0 ? 0xa0 : 0x80, high: byte === 0xed ? 0x9f : 0xbf };
    else if (byte >= 0xf0 && byte <= 0xf4)
      this.#utf8 = { left: 3, low: byte === 0xf0 ? 0x90 : 0x80, high: byte === 0xf4 ? 0x8f : 0xbf };
    else this.#fail('is no UTF-8');
  }

  #continuation(byte: number): void {
    const { left, low, high } = this.#utf8;
    if (byte < low || byte > high) return void this.#fail('is no UTF-8');
    this.#utf8 = { left: left - 1, low: 0x80, high: 0xbf };
  }

  #endString(): void {
    this.#token = null;
    if (!this.#isKey) return void this.#endValue(this.#offset + 1);
    this.#at = 'colon';
    if (this.#stack.length > 1) return;
    const text = this.#kept();
    if (text === null) return void this.#fail('has a key that is too long');
    this.#key = JSON.parse(text) as string;
    if (this.#keys.has(this.#key)) return void this.#fail('has the same key twice');
    if (this.#keys.size >= this.#bounds.members) return void this.#fail('has too many keys');
    this.#keys.add(this.#key);
  }

  #endScalar(): void {
    const good =
      this.#token === 'number' ? NUMBER.test(this.#plain) : Object.values(WORDS).includes(this.#plain);
    this.#token = null;
    if (good) this.#endValue(this.#offset);
    else this.#fail('holds what is no value');
  }

  #leave(byte: number): void {
    this.#keep(byte);
    this.#stack.pop();
    if (this.#stack.length === 0) this.#isObject = byte === 0x7d;
    this.#endValue(this.#offset + 1);
  }

  #endValue(end: number): void {
    if (this.#stack.length === 1 && this.#stack[0] === OBJECT) {
      this.#members.push({ key: this.#key, start: this.#start, end, text: this.#kept() });
    }
    this.#at = this.#stack.length === 0 ? 'end' : 'comma';
  }

  #keep(byte: number): void {
    if (this.#keeping !== null && this.#keeping.length <= this.#bounds.kept) this.#keeping.push(byte);
  }

  #fail(problem: string): void {
    this.#problem ??= problem;
  }

  #kept(): string | null {
    const bytes = this.#keeping;
    this.#keeping = null;
    if (bytes === null || bytes.length > this.#bounds.kept) return null;
    return Buffer.from(bytes).toString('utf8');
  }
}

/** Of numbers and words. */
const isWordByte = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) ||
  (byte >= 0x61 && byte <= 0x7a) ||
  (byte >= 0x41 && byte <= 0x5a) ||
  byte === 0x2b ||
  byte === 0x2d ||
  byte === 0x2e;

const isHex = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66) || (byte >= 0x41 && byte <= 0x46);
