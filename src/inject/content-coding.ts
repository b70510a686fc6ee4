/** Content codings of answers (RFC 9110 section 8.4): what is asked for, and how it is undone to be looked at. */
import type { Transform } from 'node:stream';
import { type Readable, type TransformCallback, Transform as TransformStream } from 'node:stream';
import zlib from 'node:zlib';
import { CREDENTIAL_LIMITS } from './provider.ts';

type Make = () => Transform;

/** Node has it since 22.15. */
const { createZstdDecompress: zstd, constants } = zlib as unknown as {
  readonly createZstdDecompress?: (options: object) => Transform;
  readonly constants: { readonly ZSTD_d_windowLogMax: number };
};
/** 8 MiB: what HTTP may ask of a decoder (RFC 9659). */
const ZSTD_WINDOW = 23;

const DECODERS: ReadonlyMap<string, Make> = new Map<string, Make>([
  ['gzip', () => zlib.createGunzip()],
  ['x-gzip', () => zlib.createGunzip()],
  ['deflate', () => new Inflate()],
  ['br', () => zlib.createBrotliDecompress()],
  ...(zstd === undefined
    ? []
    : [['zstd', () => zstd({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW } })] as const]),
]);

/** An Accept-Encoding without what could not be undone here. */
export function acceptedCodings(value: string): string {
  const kept = value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => {
      const coding = part.split(';', 1)[0]!.trim().toLowerCase();
      return coding === 'identity' || DECODERS.has(coding);
    });
  return kept.length === 0 ? 'identity' : kept.join(', ');
}

/** Undoes what a Content-Encoding names, outermost first. Null: some coding is not known, or there are too many. */
export function decodersFor(contentEncoding: string): Transform[] | null {
  const codings = contentEncoding
    .split(',')
    .map((part) => part.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity');
  if (codings.length > CREDENTIAL_LIMITS.contentCodings) return null;
  const makers = codings.map((coding) => DECODERS.get(coding));
  return makers.includes(undefined) ? null : makers.reverse().map((make) => make!());
}

/** `deflate` means zlib's form, and some servers leave its header out (RFC 9110 section 8.4.1.2). */
class Inflate extends TransformStream {
  #inner: (Transform & Readable) | null = null;

  override _transform(chunk: Buffer, encoding: BufferEncoding, done: TransformCallback): void {
    if (chunk.length === 0) {
      done();
      return;
    }
    this.#inner ??= this.#start(chunk[0]!);
    if (this.#inner.write(chunk, encoding)) done();
    else this.#inner.once('drain', () => done());
  }

  override _flush(done: TransformCallback): void {
    if (this.#inner === null) {
      done();
      return;
    }
    this.#inner.once('end', () => done());
    this.#inner.end();
  }

  override _read(size: number): void {
    this.#inner?.resume();
    super._read(size);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner?.destroy();
    done(error);
  }

  #start(first: number): Transform & Readable {
    const inner = (first & 0x0f) === 8 ? zlib.createInflate() : zlib.createInflateRaw();
    inner.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) inner.pause();
    });
    inner.on('error', (error) => this.destroy(error));
    return inner;
  }
}
