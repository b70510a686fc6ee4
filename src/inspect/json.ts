/**
 * JSON as every parser reads it: RFC 8259 within the bounds of I-JSON (RFC 7493). What parsers read in different ways
 * (names that occur twice, lone surrogates, numbers beyond a double) is refused. Objects are maps, so that no name means
 * anything to JavaScript. The work is linear in the text.
 */
import { err, ok, type Result } from '../base/result.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

export const MAX_DEPTH = 64;
/** Values in one text, names not counted. */
export const MAX_VALUES = 100_000;

/** Errors are clauses that follow "the JSON"; they repeat nothing of it. */
export function parseJson(text: string): Result<JsonValue, string> {
  try {
    return ok(new Reader(text).document());
  } catch (error) {
    if (error instanceof Refused) return err(error.clause);
    throw error;
  }
}

export const isObject = (value: JsonValue | undefined): value is JsonObject => value instanceof Map;
export const isArray = (value: JsonValue | undefined): value is readonly JsonValue[] => Array.isArray(value);

/** Thrown inside this file only. */
class Refused {
  readonly clause: string;

  constructor(clause: string) {
    this.clause = clause;
  }
}

const BLANK = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const WORDS: Readonly<Record<string, readonly [string, JsonValue]>> = {
  t: ['true', true],
  f: ['false', false],
  n: ['null', null],
};
const LONE_SURROGATE = /\p{Surrogate}/u;

class Reader {
  readonly #text: string;
  #at = 0;
  #values = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonValue {
    const value = this.#value(0);
    this.#match(BLANK);
    if (this.#at < this.#text.length) throw new Refused('goes on after its end');
    return value;
  }

  /** `depth`: arrays and objects around it; bounded, so that recursion is. */
  #value(depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw new Refused(`is nested more than ${MAX_DEPTH} deep`);
    this.#values += 1;
    if (this.#values > MAX_VALUES) throw new Refused(`has more than ${MAX_VALUES} values`);
    this.#match(BLANK);
    const c = this.#text[this.#at];
    if (c === '{') return this.#object(depth);
    if (c === '[') return this.#array(depth);
    if (c === '"') return this.#string();
    const word = c === undefined ? undefined : Object.hasOwn(WORDS, c) ? WORDS[c] : undefined;
    if (word !== undefined) {
      if (!this.#text.startsWith(word[0], this.#at)) throw new Refused('is malformed');
      this.#at += word[0].length;
      return word[1];
    }
    const number = Number(this.#match(NUMBER) || Number.NaN);
    if (Number.isNaN(number)) throw new Refused('is malformed');
    if (!Number.isFinite(number)) throw new Refused('holds a number that is too large');
    return number;
  }

  #object(depth: number): JsonObject {
    const members = new Map<string, JsonValue>();
    this.#at += 1;
    if (this.#isNext('}')) return members;
    do {
      if (this.#peek() !== '"') throw new Refused('is malformed');
      const name = this.#string();
      if (members.has(name)) throw new Refused('names a member twice in one object');
      if (!this.#isNext(':')) throw new Refused('is malformed');
      members.set(name, this.#value(depth + 1));
    } while (this.#isNext(','));
    if (!this.#isNext('}')) throw new Refused('is malformed');
    return members;
  }

  #array(depth: number): readonly JsonValue[] {
    const items: JsonValue[] = [];
    this.#at += 1;
    if (this.#isNext(']')) return items;
    do items.push(this.#value(depth + 1));
    while (this.#isNext(','));
    if (!this.#isNext(']')) throw new Refused('is malformed');
    return items;
  }

  #string(): string {
    this.#at += 1;
    const parts: string[] = [];
    for (;;) {
      parts.push(this.#match(PLAIN));
      const c = this.#text[this.#at];
      this.#at += 1;
      if (c === '"') break;
      if (c !== '\\') throw new Refused('is malformed');
      parts.push(this.#escape());
    }
    const text = parts.join('');
    if (LONE_SURROGATE.test(text)) throw new Refused('holds half of a surrogate pair');
    return text;
  }

  #escape(): string {
    const c = this.#text[this.#at] ?? '';
    this.#at += 1;
    if (c !== 'u') {
      if (!Object.hasOwn(ESCAPES, c)) throw new Refused('is malformed');
      return ESCAPES[c]!;
    }
    const digits = this.#text.slice(this.#at, this.#at + 4);
    if (!/^[0-9A-Fa-f]{4}$/.test(digits)) throw new Refused('is malformed');
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  #peek(): string | undefined {
    this.#match(BLANK);
    return this.#text[this.#at];
  }

  /** Takes the character if it is next, blanks before it aside. */
  #isNext(character: string): boolean {
    const found = this.#peek() === character;
    if (found) this.#at += 1;
    return found;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += text.length;
    return text;
  }
}
