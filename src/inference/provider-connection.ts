/** Connections to providers: to the addresses of the route's own URL, verified, and kept for the next call. */
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { Pool } from 'undici';
import { parseAddress } from '../base/address.ts';
import { hostPort } from '../base/host-port.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { ConnectToTable } from '../egress/connect-to.ts';
import type { Target } from '../egress/destination.ts';
import { dialAddresses } from '../egress/dial.ts';
import type { NameResolver } from '../egress/names.ts';
import type { UpstreamTls } from '../http/tls/upstream.ts';
import { normaliseHost } from '../match/host.ts';
import type { InferenceRoute, RouteEndpoint } from '../policy/routes/routes.ts';
import type { InferenceLimits } from './limits.ts';

export interface ProviderNetwork {
  readonly resolver: NameResolver;
  readonly connectTo: ConnectToTable;
  readonly tls: Pick<UpstreamTls, 'connect'>;
}

/**
 * The operator vouches for the URL of a route: its addresses are not judged, as those of a policy are, so that a server
 * on this machine can be named. The error is a clause.
 */
export async function connectProvider(
  { scheme, host, port }: RouteEndpoint,
  { resolver, connectTo, tls }: ProviderNetwork,
): Promise<Result<Duplex, string>> {
  const targets = await targetsOf(host, port, resolver, connectTo);
  if (!targets.ok) return targets;
  const dialled = await dialAddresses({ targets: targets.value });
  if (!dialled.ok || scheme === 'http') return dialled.ok ? ok(dialled.value.socket) : dialled;
  const { socket, target } = dialled.value;
  return await tls.connect({
    host,
    address: target.address.text,
    port: target.port,
    socket,
    protocols: ['http/1.1'],
  });
}

async function targetsOf(
  name: string,
  port: number,
  resolver: NameResolver,
  connectTo: ConnectToTable,
): Promise<Result<readonly Target[], string>> {
  const host = normaliseHost(name);
  if (!host.ok) return err(`the host ${host.error}`);
  const vouched = connectTo.find(host.value, port);
  if (vouched !== null) return ok([{ address: vouched.address, port: vouched.addressPort }]);
  if (host.value.address !== null) return ok([{ address: host.value.address, port }]);
  const found = await resolver.lookup(host.value.text);
  if (!found.ok) return err(`the name ${host.value.text} ${found.error}`);
  return ok(
    found.value.flatMap((text) => {
      const address = parseAddress(text);
      return address === null ? [] : { address, port };
    }),
  );
}

/** What answers the calls of a route. */
export function providerPool(
  { endpoint }: InferenceRoute,
  network: ProviderNetwork,
  limits: InferenceLimits,
): Pool {
  const { scheme, host, port } = endpoint;
  return new Pool(`${scheme}://${hostPort(host, port)}`, {
    connections: limits.calls,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: limits.providerIdleMs,
    keepAliveMaxTimeout: limits.providerIdleMs,
    maxHeaderSize: limits.answerHeaderBytes,
    bodyTimeout: limits.answerIdleMs,
    connect: (_options, done) => {
      connectProvider(endpoint, network).then(
        (made) =>
          made.ok
            ? done(null, made.value as TLSSocket)
            : done(Object.assign(new Error(made.error), { code: 'OSH_CONNECT' }), null),
        (error: Error) => done(error, null),
      );
    },
  });
}
