/** A server behind `http://a.test/`, a proxy that judges what is asked of it, and a client of Node. */
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { SecureContext } from 'node:tls';
import { parseAddress } from '../../../src/base/address.ts';
import { ok } from '../../../src/base/result.ts';
import { ConnectToTable } from '../../../src/egress/connect-to.ts';
import { Destinations } from '../../../src/egress/destination.ts';
import { createDialer } from '../../../src/egress/dial.ts';
import type { Draft } from '../../../src/event/event.ts';
import type { Guard } from '../../../src/guard/guard.ts';
import { InspectedServer } from '../../../src/http/inspected/server.ts';
import { createProxy, type EgressProxy } from '../../../src/http/proxy.ts';
import { SandboxAuthority } from '../../../src/http/tls/authority.ts';
import { UpstreamTls, upstreamTrust } from '../../../src/http/tls/upstream.ts';
import type { Injector } from '../../../src/inject/injector.ts';
import { buildIndex } from '../../../src/match/egress-index.ts';
import type { MessageRules } from '../../../src/plan/messages.ts';
import type { EndpointInspection } from '../../../src/plan/plan.ts';
import { inspected } from '../../match/requests.ts';
import { host, identity, policy, table } from '../../match/tables.ts';
import { listen, onCleanup } from '../harness.ts';

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface Site {
  readonly port: number;
  /** What reached the server. */
  readonly seen: Seen[];
  readonly events: Draft[];
  readonly proxy: EgressProxy;
}

export async function site(
  messages: MessageRules,
  answer: (seen: Seen) => string | Promise<string> = () => '{}',
  more: Partial<EndpointInspection> = {},
  guard: Pick<Guard, 'evaluate'> | null = null,
  injector: Injector | null = null,
): Promise<Site> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // broken off
    }
    const { method = '', url = '', headers } = request;
    const one = { method, url, headers, body: Buffer.concat(chunks) };
    seen.push(one);
    response.setHeader('content-type', 'application/json');
    response.end(await answer(one));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  const addressPort = (server.address() as AddressInfo).port;
  const authority = new SandboxAuthority();
  return {
    ...(await judging('a.test:80', addressPort, messages, more, authority, [], guard, injector)),
    seen,
  };
}

/** The authority of servers on the outside. One for all tests: it is read only. */
const OUTSIDE = new SandboxAuthority();

export interface SecureSite {
  readonly port: number;
  /** Authority that clients inside trust. */
  readonly ca: string;
  readonly events: Draft[];
}

/** The same for `https://a.test/`, whose server is given as it is, made with this key and certificate. */
export async function secureSite(
  messages: MessageRules,
  serverOf: (context: SecureContext) => NetServer,
  more: Partial<EndpointInspection> = {},
): Promise<SecureSite> {
  const outside = OUTSIDE;
  const server = serverOf(await outside.leafFor('a.test'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => void server.close());
  const addressPort = (server.address() as AddressInfo).port;
  const authority = new SandboxAuthority();
  const front = await judging('a.test:443', addressPort, messages, more, authority, [outside.caPem]);
  return { ...front, ca: authority.caPem };
}

async function judging(
  to: string,
  addressPort: number,
  messages: MessageRules,
  more: Partial<EndpointInspection>,
  authority: SandboxAuthority,
  roots: readonly string[],
  guard: Pick<Guard, 'evaluate'> | null = null,
  injector: Injector | null = null,
): Promise<{ port: number; events: Draft[]; proxy: EgressProxy }> {
  const inspection = inspected(to, [], [], { protocol: messages.kind, messages, ...more });
  const address = parseAddress('127.0.0.1')!;
  const connectTo = new ConnectToTable([
    { host: host('a.test'), port: inspection.ports[0]!, address, addressPort },
  ]);
  const events: Draft[] = [];
  const proxy = createProxy({
    index: buildIndex(table([policy('site', [inspection])])),
    callerOf: async () => ({ identity: ok(identity('/usr/bin/curl')), intended: null }),
    dialer: createDialer(new Destinations({ resolver: { lookup: async () => ok([]) }, connectTo })),
    guard,
    emit: (draft) => events.push(draft),
    limits: { lingerMs: 200 },
    inspect: async (context) =>
      new InspectedServer({
        context,
        authority,
        injector,
        inference: null,
        upstreamTls: new UpstreamTls(upstreamTrust([...roots])),
      }),
    onDefect: (error) => {
      throw error;
    },
  });
  const { server: front, port } = await listen(() => undefined, false);
  proxy.attach(front);
  onCleanup(() => proxy.close());
  return { port, events, proxy };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON it is
  readonly json: any;
}

export function send(
  port: number,
  body: string | Buffer,
  headers: Record<string, string> = {},
  method = 'POST',
  path = '/api',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const all = { host: 'a.test', 'content-type': 'application/json', ...headers };
    const request = httpRequest({ port, method, path: `http://a.test${path}`, headers: all }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const json = text === '' ? null : JSON.parse(text);
        resolve({ status: response.statusCode!, headers: response.headers, json });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}
