/** One request in absolute form after it is allowed: sent on over the dialled socket, its answer brought back. */
import type { ClientRequest, IncomingMessage, OutgoingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Dialled } from '../egress/dial.ts';
import type { ProxyContext } from './authorise.ts';
import { forwardedRequest, forwardedResponse, forwardedTrailers, isHeader } from './headers.ts';
import type { AbsoluteTarget } from './request-target.ts';

/**
 * Relays one exchange; settles when the answer has ended or either side is gone. `onFailure` is called when the
 * server gave no usable answer and nothing was sent to the client yet.
 */
export function exchange(
  context: ProxyContext,
  { socket }: Dialled,
  target: AbsoluteTarget,
  request: IncomingMessage,
  response: ServerResponse,
  onFailure: (reason: string) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const upstream = upstreamRequest(context, socket, target, request, null);
    let answered = false;
    const fail = (reason: string): void => {
      request.unpipe(upstream);
      upstream.destroy();
      socket.destroy();
      if (response.headersSent) response.destroy();
      else if (!answered && !response.destroyed) onFailure(reason);
      answered = true;
    };
    response.once('close', () => {
      upstream.destroy();
      socket.destroy();
      resolve();
    });
    upstream.on('error', (error: NodeJS.ErrnoException) => fail(describeFailure(error)));
    upstream.on('close', () => {
      if (!answered) fail('the server closed the connection without an answer');
    });
    relayInformational(context, upstream, request, response);
    upstream.on('response', (answer) => {
      try {
        sendAnswer(answer, request, response, fail);
        answered = true;
      } catch {
        // Node refuses to write what its lenient reading of answers let through: a status of 099, say.
        fail("the server's answer cannot be passed on");
      }
    });
    sendBody(request, upstream);
  });
}

/** A request to the server that uses the dialled socket and no other; no agent, no connection that others share. */
export function upstreamRequest(
  context: ProxyContext,
  socket: Dialled['socket'],
  target: AbsoluteTarget,
  request: IncomingMessage,
  upgrade: string | null,
): ClientRequest {
  const method = request.method ?? 'GET';
  const headers = forwardedRequest(request, target, method, upgrade);
  return requestOver(context, socket, { method, path: target.originForm, headers });
}

/** The same of any request; the socket is closed where Node refuses to write it. */
export function requestOver(
  context: ProxyContext,
  socket: Socket,
  asked: { readonly method: string; readonly path: string; readonly headers: readonly string[] },
): ClientRequest {
  try {
    const upstream = context.request({
      createConnection: () => socket,
      ...asked,
      setHost: false,
      maxHeaderSize: context.limits.headerBytes,
      insecureHTTPParser: false,
    });
    upstream.maxHeadersCount = 0;
    return upstream;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function sendBody(request: IncomingMessage, upstream: ClientRequest): void {
  flushHead(upstream);
  request.pipe(upstream, { end: false });
  request.once('end', () => {
    const trailers = forwardedTrailers(request.rawTrailers);
    if (trailers.length > 0) upstream.addTrailers(trailers);
    upstream.end();
  });
  request.once('error', () => upstream.destroy());
  request.once('close', () => {
    if (!request.complete) upstream.destroy();
  });
}

/** 100, 103 and the like go to HTTP/1.1 clients as they come (RFC 9110 section 15.2). */
function relayInformational(
  context: ProxyContext,
  upstream: ClientRequest,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  let count = 0;
  upstream.on('information', ({ statusCode, statusMessage, rawHeaders, httpVersionMinor }) => {
    count += 1;
    if (count > context.limits.informational) {
      upstream.destroy(new Error('the server sends informational answers without end'));
      return;
    }
    if (request.httpVersionMinor === 0 || response.headersSent || response.socket === null) return;
    if (statusCode === 100) {
      response.writeContinue();
      return;
    }
    const headers = forwardedResponse({ rawHeaders, httpVersionMinor });
    response.socket.write(headText(statusCode, statusMessage, headers), 'latin1');
  });
}

function sendAnswer(
  answer: IncomingMessage,
  request: IncomingMessage,
  response: ServerResponse,
  fail: (reason: string) => void,
): void {
  answer.on('error', () => fail('the server closed the connection in the middle of its answer'));
  answer.on('close', () => {
    if (!answer.complete) fail('the server closed the connection in the middle of its answer');
  });
  response.sendDate = false;
  // The rest of an unfinished request would stand where the next request is expected.
  if (!request.complete) response.shouldKeepAlive = false;
  response.writeHead(answer.statusCode ?? 502, phraseOf(answer.statusMessage), forwardedResponse(answer));
  flushHead(response);
  answer.pipe(response, { end: false });
  answer.once('end', () => {
    const trailers = forwardedTrailers(answer.rawTrailers);
    if (trailers.length > 0 && response.chunkedEncoding) response.addTrailers(trailers);
    response.end();
  });
}

/** Sends the head now. Node's flushHeaders() writes it in UTF-8, which spoils values of bytes above 127. */
export const flushHead = (message: OutgoingMessage): void => void message.write('', 'latin1');

/** A status line and header section, ready to send (encode as latin1). */
export function headText(status: number, phrase: string | undefined, headers: readonly string[]): string {
  const lines = [`HTTP/1.1 ${status} ${phraseOf(phrase)}`];
  for (let i = 0; i < headers.length; i += 2)
    if (isHeader(headers[i]!, headers[i + 1]!)) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

const phraseOf = (phrase: string | undefined): string =>
  (phrase ?? '').replace(/[^\t\x20-\x7e\x80-\xff]/g, '');

export function describeFailure(error: NodeJS.ErrnoException): string {
  if (error.code?.startsWith('HPE_') === true)
    return `the server's answer breaks the rules of HTTP/1.1 (${error.code})`;
  return error.code === undefined ? error.message : `the connection to the server failed (${error.code})`;
}
