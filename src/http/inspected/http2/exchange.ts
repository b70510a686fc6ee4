/** An exchange over one stream of HTTP/2 (RFC 9113). */
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Readable } from 'node:stream';
import { refusalAnswer } from '../../answer.ts';
import type { Refused } from '../../authorise.ts';
import { isHeader } from '../../headers.ts';
import type { ClientExchange, WholeAnswer } from '../client-exchange.ts';
import { Http2Body } from './body.ts';

export interface Http2Head {
  readonly method: string;
  readonly path: string;
  /** Without pseudo-header fields; names in lower case. */
  readonly headers: readonly string[];
}

export class Http2Exchange implements ClientExchange {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly body: Readable | null;
  readonly contentLength: string | null;
  readonly expectsContinue: boolean;
  readonly #stream: ServerHttp2Stream;
  #trailers: readonly (readonly [string, string])[] = [];

  constructor(stream: ServerHttp2Stream, { method, path, headers }: Http2Head) {
    this.#stream = stream;
    this.method = method;
    this.target = path;
    const kept: string[] = [];
    const cookies: string[] = [];
    let contentLength: string | null = null;
    let expectsContinue = false;
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i]!;
      const value = headers[i + 1]!;
      if (name === 'cookie') cookies.push(value);
      else if (name === 'content-length') contentLength = value;
      else if (name === 'expect') expectsContinue = true;
      else if (name !== 'host' && name !== 'te') kept.push(name, value);
    }
    // A cookie may come in several fields; other versions of HTTP know only one (RFC 9113 section 8.2.3).
    if (cookies.length > 0) kept.push('cookie', cookies.join('; '));
    this.headers = kept;
    this.contentLength = contentLength;
    this.expectsContinue = expectsContinue;
    this.body = stream.readableEnded || stream.endAfterHeaders ? null : new Http2Body(stream);
    stream.on('wantTrailers', () => stream.sendTrailers(grouped(this.#trailers.flat())));
  }

  get begun(): boolean {
    return this.#stream.headersSent;
  }

  sendContinue(): void {
    if (!this.#stream.destroyed) this.#stream.additionalHeaders({ ':status': 100 });
  }

  inform(status: number, _phrase: string, headers: readonly string[]): void {
    if (!this.#stream.destroyed && status > 101 && !this.begun)
      this.#stream.additionalHeaders({ ':status': status, ...grouped(headers) });
  }

  begin(status: number, _phrase: string, headers: readonly string[], whole = false): void {
    const stream = this.#stream;
    if (stream.destroyed) return;
    const head = { ':status': status, ...grouped(headers) };
    const options = { endStream: whole, waitForTrailers: !whole, sendDate: false }; // its types know no sendDate
    stream.respond(head, options);
  }

  write(chunk: Buffer): boolean {
    return this.#stream.destroyed || this.#stream.write(chunk);
  }

  end(trailers: readonly (readonly [string, string])[]): void {
    this.#trailers = trailers;
    if (!this.#stream.destroyed && !this.#stream.writableEnded) this.#stream.end();
  }

  abort(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  /** Only the stream ends: others of the session go on. */
  refuse({ kind, body, form }: Refused): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    if (this.begun) {
      this.abort();
      return;
    }
    if (form?.kind === 'grpc') {
      stream.respond({ ':status': 200, ...form.headers }, { endStream: true });
    } else {
      const { status, headers, body: bytes } = refusalAnswer(kind, body, form?.text);
      stream.respond({ ':status': status, ...grouped(headers) });
      stream.end(bytes);
    }
    this.body?.destroy();
  }

  answer({ status, headers, body, last }: WholeAnswer): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    if (this.begun) {
      this.abort();
      return;
    }
    stream.respond({ ':status': status, ...grouped([...headers, 'content-length', String(body.length)]) });
    stream.end(body);
    this.body?.destroy();
    // Others of the session that have begun are answered.
    if (last) stream.session?.close();
  }

  onDrain(listener: () => void): void {
    this.#stream.on('drain', listener);
  }

  onClose(listener: () => void): void {
    if (this.#stream.destroyed) listener();
    else this.#stream.once('close', listener);
  }
}

/** Names and values in turn, without the pseudo-header fields. */
export function regularFields(raw: readonly string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < raw.length; i += 2) if (!raw[i]!.startsWith(':')) out.push(raw[i]!, raw[i + 1]!);
  return out;
}

/** Values of one name together, as Node wants them; what HTTP/2 does not have (RFC 9113 section 8.2.2) left out. */
export function grouped(headers: readonly string[]): Record<string, string | string[]> {
  const out: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase();
    const value = headers[i + 1]!;
    if (!isHeader(name, value) || OF_THE_CONNECTION.has(name)) continue;
    const known = out[name];
    if (known === undefined) out[name] = value;
    else if (Array.isArray(known)) known.push(value);
    else if (SINGLE.has(name)) throw new Error(`the answer has more than one ${name}`);
    else out[name] = [known, value];
  }
  return out;
}

const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);
/** Fields that say where a message ends or what it is: two of them are two messages. */
const SINGLE: ReadonlySet<string> = new Set(['content-length', 'content-type', 'content-range', 'location']);
