/** Keeps secrets that a server sends back from the workload: in texts, and in bytes that come in pieces. */
import { Transform, type TransformCallback } from 'node:stream';
import { type Needle, Needles } from './needles.ts';
import { secretForms } from './secret-forms.ts';

/** A secret, and the placeholder by which the workload knows it; null: it knows nothing of it. */
export interface MaskedSecret {
  readonly secret: string;
  readonly placeholder: string | null;
}

/** For headers, whose length nobody counts; elsewhere stars are as many as the bytes that they stand for. */
interface Replacement {
  readonly placeholder: string | null;
}

const STAR = '*'.charCodeAt(0);

export class Mask {
  readonly #needles: Needles<Replacement>;

  constructor(secrets: readonly MaskedSecret[]) {
    const needles = new Map<string, Needle<Replacement>>();
    for (const { secret, placeholder } of secrets) {
      for (const { text, write } of secretForms(secret)) {
        const bytes = Buffer.from(text);
        const shown = placeholder !== null && write !== null ? write(placeholder) : null;
        if (!needles.has(text)) needles.set(text, { bytes, meaning: { placeholder: shown } });
      }
    }
    this.#needles = new Needles([...needles.values()]);
  }

  /** A header's value, a reason phrase: each secret becomes its placeholder. Texts hold bytes (latin1), as Node reads them. */
  text(text: string): string {
    const bytes = Buffer.from(text, 'latin1');
    const regions = regionsIn(this.#needles, bytes, 0);
    if (regions.length === 0) return text;
    let from = 0;
    const parts = regions.flatMap(({ start, end, only }) => {
      const before = bytes.toString('latin1', from, start);
      from = end;
      return [before, only?.placeholder ?? '*'.repeat(end - start)];
    });
    return parts.join('') + bytes.toString('latin1', from);
  }

  /** A flat list of names and values. Names are those of servers too. */
  headers(flat: readonly string[]): string[] {
    return flat.map((text) => this.text(text));
  }

  /** A whole message, masked in equal length; null: there is nothing to mask. */
  message(bytes: Buffer): Buffer | null {
    return this.#needles.find(bytes, 0) === null ? null : this.bytes(bytes);
  }

  bytes(bytes: Buffer): Buffer {
    const whole = new MaskedBytes(this.#needles);
    return Buffer.concat([whole.push(bytes), whole.end()]);
  }

  /** A body: as many bytes come out as go in. */
  stream(): Transform {
    return new MaskingStream(new MaskedBytes(this.#needles));
  }

  pieces(): MaskedBytes {
    return new MaskedBytes(this.#needles);
  }
}

/** Bytes of one secret, or of several that overlap. */
interface Region {
  readonly start: number;
  end: number;
  only: Replacement | null;
}

/** @param masked how many bytes at the beginning belong to a secret whose beginning is gone */
function regionsIn(needles: Needles<Replacement>, bytes: Buffer, masked: number): Region[] {
  const regions: Region[] = masked === 0 ? [] : [{ start: 0, end: masked, only: null }];
  for (let hit = needles.find(bytes, 0); hit !== null; hit = needles.find(bytes, hit.at + 1)) {
    const end = hit.at + hit.needle.bytes.length;
    const last = regions.at(-1);
    if (last === undefined || last.end <= hit.at) {
      regions.push({ start: hit.at, end, only: hit.needle.meaning });
    } else if (end > last.end) {
      last.end = end;
      last.only = null;
    }
  }
  return regions;
}

/** Holds back only what could be the beginning of a secret, which is shorter than the longest form of one. */
export class MaskedBytes {
  readonly #needles: Needles<Replacement>;
  #held: Buffer = Buffer.alloc(0);
  /** How many of the held bytes belong to a secret that has been found. */
  #masked = 0;

  constructor(needles: Needles<Replacement>) {
    this.#needles = needles;
  }

  /** What may be passed on, which may be nothing. */
  push(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const regions = regionsIn(this.#needles, bytes, this.#masked);
    // What has been found may be part of a longer secret that has not come whole.
    const open = this.#needles.openFrom(bytes, 0);
    this.#masked = regions.reduce(
      (most, { start, end }) => (start < open ? Math.max(most, end - open) : most),
      0,
    );
    this.#held = Buffer.from(bytes.subarray(open));
    return masked(bytes, regions, open);
  }

  /** What was held back, at the end. */
  end(): Buffer {
    const rest = this.#held;
    const regions = regionsIn(this.#needles, rest, this.#masked);
    this.#held = Buffer.alloc(0);
    this.#masked = 0;
    return masked(rest, regions, rest.length);
  }
}

/** The first `length` bytes, with stars in the place of secrets. */
function masked(bytes: Buffer, regions: readonly Region[], length: number): Buffer {
  const out = regions.some(({ start }) => start < length)
    ? Buffer.from(bytes.subarray(0, length))
    : bytes.subarray(0, length);
  for (const { start, end } of regions) if (start < length) out.fill(STAR, start, Math.min(end, length));
  return out;
}

class MaskingStream extends Transform {
  readonly #bytes: MaskedBytes;

  constructor(bytes: MaskedBytes) {
    super();
    this.#bytes = bytes;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const bytes = this.#bytes.push(chunk);
    if (bytes.length > 0) this.push(bytes);
    done();
  }

  override _flush(done: TransformCallback): void {
    const bytes = this.#bytes.end();
    if (bytes.length > 0) this.push(bytes);
    done();
  }
}
