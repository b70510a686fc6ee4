/** An exchange over HTTP/1.1, by Node's server. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { answerRequest, endWhenRead, refuseRequest } from '../answer.ts';
import type { Refused } from '../authorise.ts';
import { flushHead, headText } from '../exchange.ts';
import { endToEndRequest, hasBody, valuesOf } from '../headers.ts';
import type { ClientExchange, WholeAnswer } from './client-exchange.ts';
import { LentBody } from './lent-body.ts';

export class Http1Exchange implements ClientExchange {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly body: Readable | null;
  readonly contentLength: string | null;
  readonly expectsContinue: boolean;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #lingerMs: number;
  #written = false;
  #cutShort = false;

  constructor(request: IncomingMessage, response: ServerResponse, lingerMs: number) {
    this.#request = request;
    this.#response = response;
    this.#lingerMs = lingerMs;
    this.method = request.method ?? 'GET';
    this.target = request.url ?? '';
    this.headers = endToEndRequest(request.rawHeaders);
    this.body = hasBody(request) ? new LentBody(request) : null;
    this.contentLength = valuesOf(request.rawHeaders, 'content-length')[0] ?? null;
    // HTTP/1.0 knows no 100 (RFC 9110 section 10.1.1).
    this.expectsContinue = request.headers.expect !== undefined && request.httpVersionMinor > 0;
  }

  get begun(): boolean {
    return this.#response.headersSent;
  }

  sendContinue(): void {
    this.#response.writeContinue();
  }

  inform(status: number, phrase: string, headers: readonly string[]): void {
    if (this.#request.httpVersionMinor > 0)
      this.#response.socket?.write(headText(status, phrase, headers), 'latin1');
  }

  begin(status: number, phrase: string, headers: readonly string[]): void {
    const response = this.#response;
    response.sendDate = false;
    // The rest of an unfinished request would stand where the next request is expected.
    if (!this.#request.complete) response.shouldKeepAlive = false;
    response.writeHead(status, phrase.replace(/[^\t\x20-\x7e\x80-\xff]/g, ''), headers as string[]);
    // What came with the head goes with it, in one write; a head that came alone does not wait.
    process.nextTick(flush, this);
  }

  flush(): void {
    if (!this.#written) flushHead(this.#response);
    this.#written = true;
  }

  write(chunk: Buffer): boolean {
    this.#written = true;
    return this.#response.write(chunk);
  }

  end(trailers: readonly (readonly [string, string])[]): void {
    this.#written = true;
    if (trailers.length > 0 && this.#response.chunkedEncoding)
      this.#response.addTrailers(trailers as [string, string][]);
    endWhenRead(this.#request, this.#response, this.#lingerMs);
  }

  abort(): void {
    this.#written = true;
    this.#response.destroy();
  }

  /** The rest of the body cannot be read. The server gets no more of it, and whoever found out answers. */
  cutShort(): void {
    this.#cutShort = true;
    this.body?.destroy(new Error('the body of the request cannot be read'));
  }

  refuse({ kind, body, form }: Refused): void {
    if (this.#cutShort) return;
    const text = form?.kind === 'json' ? form.text : undefined;
    refuseRequest(this.#request, this.#response, kind, body, this.#lingerMs, text);
  }

  answer(whole: WholeAnswer): void {
    answerRequest(this.#request, this.#response, whole, this.#lingerMs);
  }

  onDrain(listener: () => void): void {
    this.#response.on('drain', listener);
  }

  onClose(listener: () => void): void {
    if (this.#response.destroyed) listener();
    else this.#response.once('close', listener);
  }
}

const flush = (exchange: Http1Exchange): void => exchange.flush();
