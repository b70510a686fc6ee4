/** HTTP/2 with a server: one session for all requests, made again when it has ended. */
import type { EventEmitter } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { HTTP2_LIMITS } from '../../limits.ts';
import type { AnswerHandler, Upstream } from '../exchange.ts';
import { grouped, regularFields } from './exchange.ts';

export class Http2Upstream implements Upstream {
  readonly #connect: () => Promise<Socket>;
  readonly #authority: string;
  #session: Promise<ClientHttp2Session> | null = null;
  #closed = false;

  /** @param connect makes a connection on which the server speaks HTTP/2
      @param authority as in a Host header */
  constructor(authority: string, connect: () => Promise<Socket>) {
    this.#authority = authority;
    this.#connect = connect;
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: AnswerHandler): boolean {
    void this.#ready().then(
      (session) => send(session, this.#authority, options, handler),
      (error: unknown) => handler.onError(error as Error),
    );
    return true;
  }

  /** No new requests; those that are open go on. */
  close(): void {
    this.#closed = true;
    void this.#session?.then(
      (session) => session.close(),
      () => {},
    );
  }

  async destroy(): Promise<void> {
    this.close();
    await this.#session?.then(
      (session) => session.destroy(),
      () => {},
    );
  }

  #ready(): Promise<ClientHttp2Session> {
    if (this.#session !== null) return this.#session;
    const session = this.#open();
    const forget = (): void => {
      if (this.#session === session) this.#session = null;
    };
    this.#session = session;
    session.then((opened) => {
      opened.once('close', forget);
      opened.once('goaway', forget);
      if (opened.destroyed) forget();
      if (this.#closed) opened.close();
    }, forget);
    return session;
  }

  async #open(): Promise<ClientHttp2Session> {
    const socket = await this.#connect();
    const session = connect(`https://${this.#authority}`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: HTTP2_LIMITS.windowBytes },
      maxSessionMemory: HTTP2_LIMITS.sessionMegabytes,
    });
    session.on('error', () => session.destroy());
    session.setTimeout(HTTP2_LIMITS.sessionIdleMs, () => {
      if (session.state.outboundQueueSize === 0 && open(session) === 0) session.close();
    });
    return session;
  }
}

const openStreams = new WeakMap<ClientHttp2Session, number>();
const open = (session: ClientHttp2Session): number => openStreams.get(session) ?? 0;
const count = (session: ClientHttp2Session, change: 1 | -1): void =>
  void openStreams.set(session, open(session) + change);

function send(
  session: ClientHttp2Session,
  authority: string,
  { method, path, headers, body }: Dispatcher.DispatchOptions,
  handler: AnswerHandler,
): void {
  let stream: ClientHttp2Stream;
  try {
    const fields = grouped((headers as readonly string[]).filter(isNotHost));
    const head = { ':method': method, ':path': path, ':authority': authority, ':scheme': 'https' };
    stream = session.request({ ...head, ...fields, te: 'trailers' }, { endStream: body === null });
  } catch (error) {
    handler.onError(error as Error);
    return;
  }
  count(session, 1);
  new Exchange(stream, handler, () => count(session, -1)).run(body as NodeJS.ReadableStream | Buffer | null);
}

/** Of a flat list of names and values. */
const isNotHost = (_text: string, i: number, all: readonly string[]): boolean =>
  all[i - (i % 2)]!.toLowerCase() !== 'host';

class Exchange {
  readonly #stream: ClientHttp2Stream;
  readonly #handler: AnswerHandler;
  readonly #onEnd: () => void;
  #trailers: string[] = [];
  #ended = false;

  constructor(stream: ClientHttp2Stream, handler: AnswerHandler, onEnd: () => void) {
    this.#stream = stream;
    this.#handler = handler;
    this.#onEnd = onEnd;
  }

  run(body: NodeJS.ReadableStream | Buffer | null): void {
    const stream = this.#stream;
    const handler = this.#handler;
    handler.onConnect((error) => stream.destroy(error));
    const resume = (): void => void stream.resume();
    const head = (raw: readonly string[], flags: number): void => {
      const status = Number(raw[raw.indexOf(':status') + 1]);
      const whole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      handler.onHeaders(status, regularFields(raw), resume, '', whole);
    };
    const events: EventEmitter = stream; // its types know nothing of the raw fields
    for (const event of ['headers', 'response'])
      events.on(event, (_headers: unknown, flags: number, raw: string[]) => head(raw, flags));
    events.on('trailers', (_headers: unknown, _flags: number, raw: string[]) => {
      this.#trailers = regularFields(raw);
    });
    stream.on('data', (chunk: Buffer) => {
      if (handler.onData(chunk) === false) stream.pause();
    });
    stream.on('error', (error) => this.#fail(error));
    stream.once('close', () => {
      this.#onEnd();
      const { rstCode } = stream;
      if (rstCode === constants.NGHTTP2_NO_ERROR && stream.readableEnded) this.#complete();
      else this.#fail(new Error(`the server ended the stream early (HTTP/2 error ${rstCode})`));
    });
    if (body === null) return;
    if (Buffer.isBuffer(body)) stream.end(body);
    else {
      body.once('error', () => stream.destroy());
      body.once('aborted', () => stream.destroy());
      body.pipe(stream);
    }
  }

  #complete(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#handler.onComplete(this.#trailers);
  }

  #fail(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#handler.onError(error);
  }
}
