/** HTTP/2 with a client inside: each stream is a request, judged by itself. */
import type { EventEmitter } from 'node:events';
import {
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { ProxyContext } from '../../authorise.ts';
import { detach, type ProxyConnection } from '../../connections.ts';
import { guarded } from '../../front.ts';
import { checkFields, type HeaderProblem } from '../../headers.ts';
import { HTTP2_LIMITS } from '../../limits.ts';
import { namesAuthority } from '../../request-target.ts';
import { refuseUndecided } from '../../undecided.ts';
import type { ClientExchange } from '../client-exchange.ts';
import { defaultPort, type Route } from '../pipeline.ts';
import { Http2Exchange, type Http2Head, regularFields } from './exchange.ts';

/** Serves the connection from its first byte. */
export function serveHttp2(
  context: ProxyContext,
  connection: ProxyConnection,
  route: Route,
  serve: (client: ClientExchange) => Promise<void>,
): void {
  const { limits } = context;
  detach(connection);
  const session: ServerHttp2Session = performServerHandshake(connection.socket, {
    settings: {
      maxConcurrentStreams: HTTP2_LIMITS.streams,
      maxHeaderListSize: limits.headerBytes,
      enablePush: false,
    },
    maxHeaderListPairs: limits.headers + PSEUDO_FIELDS,
    maxSessionMemory: HTTP2_LIMITS.sessionMegabytes,
    maxSessionInvalidFrames: HTTP2_LIMITS.invalidFrames,
  });
  let open = 0;
  session.on('error', () => session.destroy());
  session.on('close', () => connection.socket.destroy());
  session.setTimeout(limits.keepAliveMs, () => {
    if (open === 0) session.close();
  });
  const events: EventEmitter = session; // its types know nothing of the raw fields
  events.on(
    'stream',
    (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
      open += 1;
      stream.once('close', () => {
        open -= 1;
      });
      stream.on('error', () => {}); // its end says what there is to say
      void guarded(context, connection, take(context, connection, route, { stream, headers, raw }, serve));
    },
  );
}

const PSEUDO_FIELDS = 4;

interface Begun {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  /** All fields as they came: names and values in turn. */
  readonly raw: readonly string[];
}

async function take(
  context: ProxyContext,
  connection: ProxyConnection,
  route: Route,
  { stream, headers, raw }: Begun,
  serve: (client: ClientExchange) => Promise<void>,
): Promise<void> {
  const regular = regularFields(raw);
  const head: Http2Head = {
    method: headers[':method'] ?? '',
    path: headers[':path'] ?? '',
    headers: regular,
  };
  const client = new Http2Exchange(stream, head);
  const problem =
    checkFields(regular, context.limits) ??
    checkPseudo(headers, route) ??
    (head.method === 'CONNECT' ? malformed('CONNECT is no request to a server') : null) ??
    (client.contentLength !== null && client.body === null && !/^0+$/.test(client.contentLength)
      ? malformed('Content-Length announces a body, and there is none')
      : null);
  if (problem === null) return serve(client);
  client.refuse(await refuseUndecided(context, connection, { ...problem, method: head.method }));
}

/** The pseudo-header fields name the authority and the scheme of the connection; a Host field, if there is one, too. */
function checkPseudo(headers: IncomingHttpHeaders, route: Route): HeaderProblem | null {
  const scheme = headers[':scheme'];
  if (scheme !== (route.secure ? 'https' : 'http'))
    return malformed('the scheme is another than that of the connection');
  const names = [headers[':authority'], headers.host].filter((text) => text !== undefined);
  if (names.length === 0) return malformed('the request names no authority');
  for (const text of names) {
    if (!namesAuthority(text, route.authority, defaultPort(route)))
      return {
        kind: 'authority_mismatch',
        reason: 'the request names another host or port than the connection is for',
      };
  }
  return null;
}

const malformed = (reason: string): HeaderProblem => ({ kind: 'malformed_request', reason });
