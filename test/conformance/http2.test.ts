/** h2spec against the proxy where it ends TLS, beside a bare server of node:http2 in the same run. */
import { performServerHandshake, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect, createServer } from 'node:net';
import { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { SandboxAuthority } from '../../src/http/tls/authority.ts';
import { bench, listen, onCleanup } from '../http/harness.ts';
import { OUTSIDE, secureOrigin } from '../http/inspected/secure.ts';
import { inspected } from '../match/requests.ts';
import { host, policy, table } from '../match/tables.ts';
import { h2spec, runH2spec } from '../support/h2spec.ts';
import { skipped } from '../support/installed-once.ts';

const tool = await h2spec();
const TIMEOUT = 600_000;
const TEXT = 'a body of some bytes';

/** Answers every request with a body, as h2spec wants of a server. */
async function bareServer(): Promise<number> {
  const secureContext = new SandboxAuthority().leafFor('127.0.0.1');
  const { port } = await listen((socket) => {
    const secure = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ['h2'] });
    secure.on('error', () => socket.destroy());
    secure.once('secure', () => {
      (secure as TLSSocket & { secureConnecting: boolean }).secureConnecting = false; // as tls.Server does
      const session = performServerHandshake(secure);
      session.on('error', () => session.destroy());
      session.on('stream', (stream: ServerHttp2Stream) => {
        stream.on('error', () => undefined);
        stream.respond({ ':status': 200, 'content-length': TEXT.length });
        stream.end(TEXT);
      });
    });
  });
  return port;
}

/** Connections to a port of loopback that are meant for just that port, and are looked at. */
async function proxy(): Promise<number> {
  const leaf = OUTSIDE.leafFor('127.0.0.1');
  const origin = await secureOrigin((socket, received) => {
    if (received.includes('\r\n\r\n'))
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${TEXT.length}\r\n\r\n${TEXT}`);
  }, leaf);
  let inside = 0;
  const front = createServer((client) => {
    const onward = connect(inside, '127.0.0.1');
    client.on('error', () => onward.destroy()).on('close', () => onward.destroy());
    onward.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.pipe(onward).pipe(client);
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  onCleanup(() => void front.close());
  const { port } = front.address() as AddressInfo;
  const made = await bench({
    rules: table([policy('site', [inspected(`127.0.0.1:${port}`, ['* /**'])])]),
    to: { [`127.0.0.1:${port}`]: origin.port },
    intended: { host: host('127.0.0.1'), port },
    inspect: [OUTSIDE.caPem],
  });
  inside = made.port;
  return port;
}

describe.skipIf('missing' in tool)(`h2spec${skipped(tool)}`, () => {
  const { program } = tool as { program: string };

  it('finds no failure that a bare server does not have', { timeout: TIMEOUT }, async () => {
    const bare = await runH2spec(program, await bareServer());
    const ours = await runH2spec(program, await proxy());
    expect(bare.cases).toBeGreaterThan(140);
    expect(ours.cases).toBe(bare.cases);
    expect(ours.failed.filter((name) => !bare.failed.includes(name))).toEqual([]);
  });
});
