/** Refusals on the wire: one JSON body, and a close that lets the client read it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { REFUSALS, type Refusal, type RefusalKind } from '../event/refusal.ts';
import type { WholeAnswer } from './inspected/client-exchange.ts';

const PHRASES: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  417: 'Expectation Failed',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

export interface RefusalAnswer {
  readonly status: number;
  readonly phrase: string;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** A refusal as a response that closes its connection. @param wire its body, when it is another than the refusal itself */
export function refusalAnswer(
  kind: RefusalKind,
  refusal: Refusal,
  wire = JSON.stringify(refusal),
): RefusalAnswer {
  const { status } = REFUSALS[kind];
  const body = Buffer.from(`${wire}\n`);
  const headers = [
    'Content-Type',
    'application/json',
    'Content-Length',
    String(body.length),
    'Connection',
    'close',
    // RFC 9110 section 15.5.6.
    ...(status === 405 ? ['Allow', 'POST'] : []),
    ...(refusal.policy === null ? [] : ['X-OpenShell-Policy', headerText(refusal.policy)]),
  ];
  return { status, phrase: PHRASES[status] ?? 'Refused', headers, body };
}

/** Answers on a bare socket and closes it. */
export function refuseSocket(socket: Socket, kind: RefusalKind, refusal: Refusal, lingerMs: number): void {
  const { status, phrase, headers, body } = refusalAnswer(kind, refusal);
  const lines = [`HTTP/1.1 ${status} ${phrase}`];
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  closeAfter(socket, Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]), lingerMs);
}

/**
 * Sends what is left to say and closes. What the client still sends is read and dropped for a moment: closing with
 * unread bytes resets the connection, and the client may lose the answer (RFC 9112 section 9.6).
 */
export function closeAfter(socket: Socket, bytes: Buffer | string, lingerMs: number): void {
  socket.setTimeout(0);
  socket.end(bytes);
  socket.once('end', () => socket.destroySoon());
  socket.resume();
  setTimeout(() => socket.destroy(), lingerMs).unref();
}

/** Answers a request that Node's server has parsed, after which the connection closes. */
export function refuseRequest(
  request: IncomingMessage,
  response: ServerResponse,
  kind: RefusalKind,
  refusal: Refusal,
  lingerMs: number,
  wire?: string,
): void {
  const { status, headers, body } = refusalAnswer(kind, refusal, wire);
  answerRequest(request, response, { status, headers, body, last: true }, lingerMs);
}

/** Sends a whole answer. After the last one, and when the request has not come to its end, the connection closes. */
export function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body, last }: WholeAnswer,
  lingerMs: number,
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  response.sendDate = false;
  if (last || !request.complete) response.shouldKeepAlive = false;
  response.writeHead(status, PHRASES[status] ?? 'Refused', [
    ...headers,
    ...(hasLength(headers) ? [] : ['Content-Length', String(body.length)]),
  ]);
  // Whole already, whenever its end comes.
  response.write(body);
  endWhenRead(request, response, lingerMs);
}

/**
 * Ends an answer. Where it came before the request was whole, its end, which closes the connection, waits a moment for
 * the rest of the request.
 */
export function endWhenRead(request: IncomingMessage, response: ServerResponse, lingerMs: number): void {
  if (request.complete) {
    response.end();
    return;
  }
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, lingerMs);
  request.once('end', end);
  response.once('close', () => clearTimeout(timer));
  request.resume();
}

const hasLength = (headers: readonly string[]): boolean =>
  headers.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'content-length');

/** A policy key as a header value: keys may hold any character. */
const headerText = (text: string): string => text.slice(0, 256).replace(/[^\x20-\x7e]/g, '?');
