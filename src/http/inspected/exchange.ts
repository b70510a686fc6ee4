/** One allowed request: sent on, and its answer brought back as it comes. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { headText } from '../exchange.ts';
import { forwardedTrailers, hasBody, inspectedResponse } from '../headers.ts';

export interface Outbound {
  readonly method: string;
  readonly target: string;
  /** Names and values in turn, without framing. */
  readonly headers: readonly string[];
}

interface Limits {
  readonly informational: number;
}

/** Methods that may be sent again when a connection that was kept turns out to be closed (RFC 9110 section 9.2.2). */
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Settles when the answer has ended or either side is gone. `onFailure`: nothing was sent to the client yet. */
export function exchange(
  upstream: Dispatcher,
  outbound: Outbound,
  request: IncomingMessage,
  response: ServerResponse,
  limits: Limits,
  onFailure: (error: Error) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const relay = new Relay(upstream, outbound, request, response, limits, onFailure);
    response.once('close', () => {
      relay.leave();
      resolve();
    });
    if (response.destroyed) resolve();
    else relay.send();
  });
}

class Relay implements Dispatcher.DispatchHandler {
  readonly #upstream: Dispatcher;
  readonly #outbound: Outbound;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #limits: Limits;
  readonly #onFailure: (error: Error) => void;
  readonly #body: IncomingMessage | null;
  #informational = 0;
  #repeatable: boolean;
  #abort: ((error?: Error) => void) | null = null;
  #resume: (() => void) | null = null;
  #ended = false;

  constructor(
    upstream: Dispatcher,
    outbound: Outbound,
    request: IncomingMessage,
    response: ServerResponse,
    limits: Limits,
    onFailure: (error: Error) => void,
  ) {
    this.#upstream = upstream;
    this.#outbound = outbound;
    this.#request = request;
    this.#response = response;
    this.#limits = limits;
    this.#onFailure = onFailure;
    this.#body = hasBody(request) ? request : null;
    this.#repeatable = this.#body === null && REPEATABLE.has(outbound.method);
    response.on('drain', () => {
      this.#resume?.();
    });
  }

  send(): void {
    const { method, target, headers } = this.#outbound;
    if (this.#body !== null && this.#request.headers.expect !== undefined) this.#response.writeContinue();
    this.#upstream.dispatch(
      {
        path: target,
        method: method as Dispatcher.HttpMethod,
        headers: headers as string[],
        body: this.#body,
      },
      this,
    );
  }

  /** The client is gone, or has all. */
  leave(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#abort?.(new Error('the client closed the connection'));
  }

  onConnect(abort: (error?: Error) => void): void {
    if (this.#ended) abort(new Error('the client closed the connection'));
    else this.#abort = abort;
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, phrase: string): boolean {
    const request = this.#request;
    const response = this.#response;
    const headers = inspectedResponse(raw.map((part) => part.toString('latin1')));
    if (status < 200) {
      this.#informational += 1;
      if (this.#informational > this.#limits.informational)
        this.#abort?.(new Error('the server sends informational answers without end'));
      else if (request.httpVersionMinor > 0)
        response.socket?.write(headText(status, phrase, headers), 'latin1');
      return true;
    }
    this.#repeatable = false;
    this.#resume = resume;
    response.sendDate = false;
    // The rest of an unfinished request would stand where the next request is expected.
    if (!request.complete) response.shouldKeepAlive = false;
    response.writeHead(status, phrase.replace(/[^\t\x20-\x7e\x80-\xff]/g, ''), headers);
    response.flushHeaders();
    return true;
  }

  onData(chunk: Buffer): boolean {
    return this.#response.write(chunk);
  }

  onComplete(raw: readonly (Buffer | string)[] | null): void {
    this.#ended = true;
    const trailers = forwardedTrailers(
      (raw ?? []).map((part) => (typeof part === 'string' ? part : part.toString('latin1'))),
    );
    if (trailers.length > 0 && this.#response.chunkedEncoding) this.#response.addTrailers(trailers);
    this.#response.end();
  }

  onError(error: Error): void {
    if (this.#ended) return;
    if (this.#repeatable && (error as NodeJS.ErrnoException).code === 'UND_ERR_SOCKET') {
      this.#repeatable = false;
      this.send();
      return;
    }
    this.#ended = true;
    if (this.#response.headersSent) this.#response.destroy();
    else this.#onFailure(error);
  }
}
