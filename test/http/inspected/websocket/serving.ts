/** Requests for WebSockets, taken as they are behind the proxy, with a server on loopback behind `a.test`. */
import { createServer, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { parseAddress } from '../../../../src/base/address.ts';
import { ok } from '../../../../src/base/result.ts';
import { ConnectToTable } from '../../../../src/egress/connect-to.ts';
import { Destinations } from '../../../../src/egress/destination.ts';
import { createDialer } from '../../../../src/egress/dial.ts';
import type { Draft } from '../../../../src/event/event.ts';
import type { ProxyContext } from '../../../../src/http/authorise.ts';
import { ProxyConnection } from '../../../../src/http/connections.ts';
import { HeldBytes } from '../../../../src/http/inspected/content.ts';
import { Upstreams } from '../../../../src/http/inspected/upstreams.ts';
import { WebSockets } from '../../../../src/http/inspected/websocket/front.ts';
import { PROXY_LIMITS } from '../../../../src/http/limits.ts';
import { UpstreamTls, upstreamTrust } from '../../../../src/http/tls/upstream.ts';
import type { Injector } from '../../../../src/inject/injector.ts';
import { buildIndex } from '../../../../src/match/egress-index.ts';
import type { EndpointCredential } from '../../../../src/plan/plan.ts';
import { inspected } from '../../../match/requests.ts';
import { host, identity, policy, table } from '../../../match/tables.ts';
import { onCleanup } from '../../harness.ts';

export const rules = (
  allow: string[],
  protocol: 'websocket' | 'rest' = 'websocket',
  credential: EndpointCredential | null = null,
) => buildIndex(table([policy('chat', [inspected('a.test:80', allow, [], { protocol, credential })])]));

/** @param upstreamPort of the server */
export async function serving(
  upstreamPort: number,
  allow = ['GET /**', 'WEBSOCKET_TEXT /**'],
  protocol?: 'rest',
  credential: EndpointCredential | null = null,
  injector: Injector | null = null,
) {
  const events: Draft[] = [];
  const defects: unknown[] = [];
  let index = rules(allow, protocol, credential);
  const pinned = {
    host: host('a.test'),
    port: 80,
    address: parseAddress('127.0.0.1')!,
    addressPort: upstreamPort,
  };
  const resolver = { lookup: async () => ok(['203.0.113.1']) };
  const destinations = new Destinations({ resolver, connectTo: new ConnectToTable([pinned]) });
  const context: ProxyContext = {
    index: () => index,
    dialer: createDialer(destinations),
    emit: (draft) => events.push(draft),
    limits: PROXY_LIMITS,
    inspection: null,
    guard: null,
    local: null,
    request,
    onDefect: (error) => defects.push(error),
  };
  const upstreams = new Upstreams(
    context.dialer,
    new UpstreamTls(upstreamTrust([])),
    PROXY_LIMITS.headerBytes,
  );
  const webSockets = new WebSockets({
    context,
    upstreams,
    injector,
    inference: null,
    bodies: new HeldBytes(),
  });
  const authority = { host: host('a.test'), port: 80 };
  const front = createServer();
  front.on('upgrade', (asked, socket: Socket, head) => {
    const connection = new ProxyConnection(socket, ok(identity('/usr/bin/node')), 'connect', authority);
    socket.on('error', () => socket.destroy());
    void webSockets.serve(connection, { authority, secure: false }, asked, head);
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  onCleanup(() => new Promise((resolve) => front.close(resolve)));
  const { port } = front.address() as AddressInfo;
  const useIndex = (next: typeof index): void => {
    index = next;
    webSockets.rulesChanged();
  };
  return { port, events, defects, useIndex };
}
