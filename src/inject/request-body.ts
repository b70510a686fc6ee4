/** Placeholders in the body of a request, which comes in pieces: replaced where the policy says so, refused elsewhere. */
import { Transform, type TransformCallback } from 'node:stream';
import { Needles } from './needles.ts';
import { ALIAS_MARKER, isMarkedEncoded, MARKER, substitute, type Values } from './placeholder.ts';
import { describeSubstitution, InjectionError, problem } from './problem.ts';
import { CREDENTIAL_LIMITS } from './provider.ts';
import { fillPair } from './request-head.ts';

/** A body in pieces; both throw InjectionError where it may not go on. */
export interface BodyBytes {
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

/** How a value is written in a body of this type; null: it is not known. */
export type BodyForm = 'json' | 'form' | 'text';

export function bodyForm(contentType: string | undefined): BodyForm | null {
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';');
  const charset = parameters
    .map((text) => /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/.exec(text)?.[1])
    .find(Boolean);
  if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii', 'ascii'].includes(charset)) return null;
  const name = type.trim();
  if (name === 'application/json' || /^application\/[a-z0-9!#$&^_.+-]+\+json$/.test(name)) return 'json';
  if (name === 'application/x-www-form-urlencoded') return 'form';
  return name.startsWith('text/') ? 'text' : null;
}

const colons = (text: string, written: string): string => text.replaceAll(':', written);
const MARKERS = new Needles<'placeholder' | 'other'>([
  { bytes: Buffer.from(MARKER), meaning: 'placeholder' },
  ...[
    colons(MARKER, '%3A'),
    colons(MARKER, '%3a'),
    colons(MARKER, '\\u003a'),
    colons(MARKER, '\\u003A'),
    ALIAS_MARKER,
  ].map((text) => ({ bytes: Buffer.from(text), meaning: 'other' as const })),
]);

const refused = (detail: string): InjectionError =>
  new InjectionError(problem('credential_placeholder_in_request_body', detail));

/** Lets a body through that holds no placeholder. */
export class CheckedBytes implements BodyBytes {
  #held: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    if (MARKERS.find(bytes, 0) !== null)
      throw refused(
        'the body of the request holds a placeholder, and bodies are not rewritten at this endpoint',
      );
    const open = MARKERS.openFrom(bytes, 0);
    this.#held = Buffer.from(bytes.subarray(open));
    return bytes.subarray(0, open);
  }

  end(): Buffer {
    return this.#held;
  }
}

const isWord = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) ||
  (byte >= 0x41 && byte <= 0x5a) ||
  (byte >= 0x61 && byte <= 0x7a) ||
  byte === 0x5f;

/** Replaces placeholders in a text of which nothing else is known. */
export class FilledBytes implements BodyBytes {
  readonly #values: Values;
  readonly #write: (value: string) => string;
  #held: Buffer = Buffer.alloc(0);

  constructor(values: Values, form: 'json' | 'text') {
    this.#values = values;
    this.#write = form === 'json' ? (value) => JSON.stringify(value).slice(1, -1) : (value) => value;
  }

  push(chunk: Buffer): Buffer {
    return this.#fill(chunk, false);
  }

  end(): Buffer {
    return this.#fill(Buffer.alloc(0), true);
  }

  #fill(chunk: Buffer, isEnd: boolean): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const out: Buffer[] = [];
    let from = 0;
    let keep = -1;
    for (let hit = MARKERS.find(bytes, 0); hit !== null && keep < 0; ) {
      if (hit.needle.meaning === 'other')
        throw refused('the body of the request holds a placeholder in a form that is not replaced');
      let end = hit.at + MARKER.length;
      while (end < bytes.length && isWord(bytes[end]!)) end += 1;
      if (end - hit.at > CREDENTIAL_LIMITS.placeholderBytes)
        throw refused('what looks like a placeholder in the body is none of this sandbox');
      out.push(bytes.subarray(from, hit.at));
      from = end;
      if (end === bytes.length && !isEnd) {
        keep = hit.at;
        break;
      }
      out.push(this.#value(bytes.toString('latin1', hit.at, end)));
      hit = MARKERS.find(bytes, from);
    }
    if (keep < 0) keep = isEnd ? bytes.length : MARKERS.openFrom(bytes, from);
    if (from < keep) out.push(bytes.subarray(from, keep));
    this.#held = Buffer.from(bytes.subarray(keep));
    return out.length === 1 ? out[0]! : Buffer.concat(out);
  }

  #value(token: string): Buffer {
    const filled = substitute(token, this.#values, (value) => ({ text: this.#write(value) }));
    if (filled.kind === 'text') return Buffer.from(filled.text);
    throw new InjectionError(describeSubstitution(filled.problem, 'in the body'));
  }
}

const AMPERSAND = '&'.charCodeAt(0);

/** Replaces placeholders in the values of a form, field by field. In a field that is too long there may be none. */
export class FilledForm implements BodyBytes {
  readonly #values: Values;
  #field: Buffer[] = [];
  #length = 0;
  /** The rest of a field that is too long to be held. */
  #long: CheckedBytes | null = null;

  constructor(values: Values) {
    this.#values = values;
  }

  push(chunk: Buffer): Buffer {
    const out: Buffer[] = [];
    let from = 0;
    for (let at = chunk.indexOf(AMPERSAND); at >= 0; at = chunk.indexOf(AMPERSAND, from)) {
      out.push(...this.#more(chunk.subarray(from, at)), ...this.#close(), chunk.subarray(at, at + 1));
      from = at + 1;
    }
    out.push(...this.#more(chunk.subarray(from)));
    return Buffer.concat(out);
  }

  end(): Buffer {
    return Buffer.concat(this.#close());
  }

  #more(bytes: Buffer): Buffer[] {
    if (bytes.length === 0) return [];
    if (this.#long !== null) return [this.#long.push(bytes)];
    this.#field.push(Buffer.from(bytes));
    this.#length += bytes.length;
    if (this.#length <= CREDENTIAL_LIMITS.formFieldBytes) return [];
    this.#long = new CheckedBytes();
    const held = this.#long.push(Buffer.concat(this.#field));
    this.#field = [];
    return [held];
  }

  #close(): Buffer[] {
    if (this.#long !== null) {
      const rest = this.#long.end();
      this.#long = null;
      this.#length = 0;
      return [rest];
    }
    const field = Buffer.concat(this.#field);
    this.#field = [];
    this.#length = 0;
    const text = field.toString('latin1');
    if (!isMarkedEncoded(text)) return [field];
    if (/[^\u0000-\u007f]/.test(text))
      throw refused('a field of the form holds a placeholder beside characters that are not escaped');
    const filled = fillPair(text, this.#values, 'in the form');
    if (!filled.ok) throw new InjectionError(filled.error);
    if (isMarkedEncoded(filled.value))
      throw refused('a field of the form holds a placeholder in a form that is not replaced');
    return [Buffer.from(filled.value, 'latin1')];
  }
}

/** A stream that fails with an InjectionError. */
export class BodyStream extends Transform {
  readonly #bytes: BodyBytes;

  constructor(bytes: BodyBytes) {
    super();
    this.#bytes = bytes;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#pass(() => this.#bytes.push(chunk), done);
  }

  override _flush(done: TransformCallback): void {
    this.#pass(() => this.#bytes.end(), done);
  }

  #pass(work: () => Buffer, done: TransformCallback): void {
    try {
      const bytes = work();
      if (bytes.length > 0) this.push(bytes);
      done();
    } catch (error) {
      done(error as Error);
    }
  }
}
