/** One allowed request: sent on, and its answer brought back as it comes. */
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { forwardedTrailers, inspectedResponse, valuesOf } from '../headers.ts';
import type { ClientExchange } from './client-exchange.ts';

/** Whatever sends requests to one server: a pool of undici, or a session of HTTP/2. */
export interface Upstream {
  dispatch(options: Dispatcher.DispatchOptions, handler: AnswerHandler): boolean;
}

/** What becomes of a request, as undici tells it, and whether nothing follows the head, as HTTP/2 does. */
export interface AnswerHandler {
  onConnect(abort: (error?: Error) => void): void;
  onHeaders(
    status: number,
    raw: (Buffer | string)[],
    resume: () => void,
    phrase: string,
    whole?: boolean,
  ): boolean;
  /** False: nothing more before `resume` is called. */
  onData(chunk: Buffer): boolean;
  onComplete(trailers: readonly (Buffer | string)[] | null): void;
  onError(error: Error): void;
}

export interface Outbound {
  readonly method: string;
  readonly target: string;
  /** Names and values in turn, without Transfer-Encoding. */
  readonly headers: readonly string[];
  readonly body: Readable | Buffer | null;
}

interface Limits {
  readonly informational: number;
}

/** Methods that may be sent again when a connection that was kept turns out to be closed (RFC 9110 section 9.2.2). */
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** How a connection ends that the server had closed, depending on who notices first. */
const CLOSED: ReadonlySet<string | undefined> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/**
 * Settles when the answer has ended or either side is gone.
 * @param onFailure nothing was sent to the client yet
 * @param elsewhere where the request can be sent instead, after an error before anything of it was sent
 */
export function exchange(
  upstream: Upstream,
  outbound: Outbound,
  client: ClientExchange,
  limits: Limits,
  onFailure: (error: Error) => void,
  elsewhere: (error: Error) => Upstream | null = () => null,
): Promise<void> {
  return new Promise((resolve) => {
    const relay = new Relay(upstream, outbound, client, limits, onFailure, elsewhere);
    client.onClose(() => {
      relay.leave();
      resolve();
    });
    relay.send();
  });
}

const text = (part: Buffer | string): string => (typeof part === 'string' ? part : part.toString('latin1'));

class Relay implements AnswerHandler {
  #upstream: Upstream;
  readonly #elsewhere: (error: Error) => Upstream | null;
  readonly #outbound: Outbound;
  readonly #client: ClientExchange;
  readonly #limits: Limits;
  readonly #onFailure: (error: Error) => void;
  #informational = 0;
  #repeatable: boolean;
  #abort: ((error?: Error) => void) | null = null;
  #resume: (() => void) | null = null;
  #ended = false;

  constructor(
    upstream: Upstream,
    outbound: Outbound,
    client: ClientExchange,
    limits: Limits,
    onFailure: (error: Error) => void,
    elsewhere: (error: Error) => Upstream | null,
  ) {
    this.#upstream = upstream;
    this.#outbound = outbound;
    this.#client = client;
    this.#limits = limits;
    this.#onFailure = onFailure;
    this.#elsewhere = elsewhere;
    this.#repeatable = outbound.body === null && REPEATABLE.has(outbound.method);
    client.onDrain(() => this.#resume?.());
  }

  send(): void {
    if (this.#ended) return;
    const { method, target, headers, body } = this.#outbound;
    this.#upstream.dispatch(
      {
        path: target,
        method: method as Dispatcher.HttpMethod,
        headers: headers as string[],
        body,
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

  onHeaders(
    status: number,
    raw: (Buffer | string)[],
    resume: () => void,
    phrase: string,
    whole = false,
  ): boolean {
    const received = raw.map(text);
    const headers = inspectedResponse(received);
    if (status < 200) {
      this.#informational += 1;
      if (this.#informational > this.#limits.informational)
        this.#abort?.(new Error('the server sends informational answers without end'));
      else this.#client.inform(status, phrase, headers);
      return true;
    }
    this.#repeatable = false;
    // undici undoes chunks and nothing else: the client would take what is coded for what is meant.
    if (valuesOf(received, 'transfer-encoding').some((coding) => coding.toLowerCase() !== 'chunked')) {
      this.#abort?.(new Error("the server's answer is in a transfer coding that is not spoken here"));
      return true;
    }
    this.#resume = resume;
    this.#client.begin(status, phrase, headers, whole);
    return true;
  }

  onData(chunk: Buffer): boolean {
    return this.#client.write(chunk);
  }

  onComplete(raw: readonly (Buffer | string)[] | null): void {
    this.#ended = true;
    this.#client.end(forwardedTrailers((raw ?? []).map(text)));
  }

  onError(error: Error): void {
    if (this.#ended) return;
    if (this.#repeatable && CLOSED.has((error as NodeJS.ErrnoException).code)) {
      this.#repeatable = false;
      this.send();
      return;
    }
    const other = this.#elsewhere(error);
    if (other !== null) {
      this.#upstream = other;
      this.send();
      return;
    }
    this.#ended = true;
    if (this.#client.begun) this.#client.abort();
    else this.#onFailure(error);
  }
}
