import type { Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { ConnectToTable } from '../../src/egress/connect-to.ts';
import { SandboxAuthority } from '../../src/http/tls/authority.ts';
import { normaliseHost } from '../../src/match/host.ts';
import { bench, listen, onCleanup } from './provider.ts';

const LOOPBACK = parseAddress('127.0.0.1')!;

/** A provider with a certificate for `name`, and the authority that it is verified by. */
async function secureProvider(name: string): Promise<{ port: number; ca: string; asked: string[] }> {
  const { generateKeys, issueAuthority, issueLeaf } = await import('../../src/http/tls/certificates.ts');
  const authority = issueAuthority(Date.now());
  const keys = generateKeys();
  const cert = issueLeaf(authority, name, keys.publicKey);
  const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const asked: string[] = [];
  const server = createTlsServer({ key, cert }, (request, response) => {
    asked.push(String(request.headers.authorization));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  return { port: await listen(server as unknown as Server), ca: authority.certificate, asked };
}

const table = (name: string, port: number): ConnectToTable => {
  const host = normaliseHost(name);
  if (!host.ok) throw new Error(host.error);
  return new ConnectToTable([{ host: host.value, port: 443, address: LOOPBACK, addressPort: port }]);
};
const ROUTE = '  - {name: r, provider: openai, endpoint: "https://api.test/v1", model: m, credential: env:A}';
const secrets = { r: 'sk-hunter2hunter2' };

describe('a provider over TLS', () => {
  it('is reached where --connect-to says, and verified', async () => {
    const { port, ca, asked } = await secureProvider('api.test');
    const { ask } = await bench(ROUTE, { secrets, connectTo: table('api.test', port), trust: [ca] });
    expect((await ask('/v1/chat/completions', {})).status).toBe(200);
    expect((await ask('/v1/chat/completions', {})).status).toBe(200);
    expect(asked).toEqual(['Bearer sk-hunter2hunter2', 'Bearer sk-hunter2hunter2']);
  });

  it('gets no key when its certificate is for another name', async () => {
    const { port, ca, asked } = await secureProvider('other.test');
    const { ask } = await bench(ROUTE, { secrets, connectTo: table('api.test', port), trust: [ca] });
    expect((await ask('/v1/chat/completions', {})).status).toBe(503);
    expect(asked).toEqual([]);
  });

  it('gets no key when nobody vouches for its certificate', async () => {
    const { port, asked } = await secureProvider('api.test');
    const { caPem } = new SandboxAuthority();
    const { ask } = await bench(ROUTE, { secrets, connectTo: table('api.test', port), trust: [caPem] });
    expect((await ask('/v1/chat/completions', {})).status).toBe(503);
    expect(asked).toEqual([]);
  });

  it('that speaks no TLS gets no key', async () => {
    const heard: Buffer[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (part) => {
        heard.push(part);
        socket.end('HTTP/1.1 200 OK\r\n\r\n');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onCleanup(() => server.close());
    const { port } = server.address() as AddressInfo;
    const { ask } = await bench(ROUTE, { secrets, connectTo: table('api.test', port) });
    expect((await ask('/v1/chat/completions', {})).status).toBe(503);
    expect(Buffer.concat(heard).toString('latin1')).not.toContain('hunter2');
  });
});
