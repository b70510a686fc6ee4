import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { SandboxAuthority } from '../../../src/http/tls/authority.ts';
import { distinctCertificates, UpstreamTls, upstreamTrust } from '../../../src/http/tls/upstream.ts';
import { onCleanup } from '../harness.ts';

async function origin(context: SecureContext | null): Promise<{ port: number; names: unknown[] }> {
  const names: unknown[] = [];
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    onCleanup(() => void socket.destroy());
    if (context === null) return;
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext: context,
      ALPNProtocols: ['http/1.1'],
    });
    secure.on('error', () => {});
    secure.on('secure', () => names.push((secure as unknown as { servername: unknown }).servername));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => void server.close());
  return { port: (server.address() as AddressInfo).port, names };
}

const target = (host: string, port: number) => ({
  host,
  address: '127.0.0.1',
  port,
  socket: connect(port, '127.0.0.1'),
  protocols: ['http/1.1'],
});

describe('TLS to a server', () => {
  it.each(['a.test', '192.0.2.7'])('is for %s when an authority that is trusted says so', async (host) => {
    const ca = new SandboxAuthority();
    const { port } = await origin(ca.leafFor(host));
    const made = await new UpstreamTls(upstreamTrust([ca.caPem])).connect(target(host, port));
    expect(made.ok).toBe(true);
    if (!made.ok) return;
    expect(made.value.authorized).toBe(true);
    expect(made.value.alpnProtocol).toBe('http/1.1');
    made.value.destroy();
  });

  it.each([
    ['a.test', 'b.test'],
    ['a.test', '127.0.0.1'],
    ['192.0.2.7', '192.0.2.8'],
  ])('with a certificate for %s is none to %s', async (shown, host) => {
    const ca = new SandboxAuthority();
    const { port } = await origin(ca.leafFor(shown));
    const made = await new UpstreamTls(upstreamTrust([ca.caPem])).connect(target(host, port));
    expect(made).toEqual({ ok: false, error: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('by an authority that is not trusted is none', async () => {
    const { port } = await origin(new SandboxAuthority().leafFor('a.test'));
    const made = await new UpstreamTls(upstreamTrust([])).connect(target('a.test', port));
    expect(made).toMatchObject({ ok: false, error: expect.stringMatching(/CERT|ISSUER|VERIFY/) });
  });

  it('that does not come to an end is given up', async () => {
    const { port } = await origin(null);
    const upstream = new UpstreamTls(upstreamTrust([]), { handshakeMs: 100, sessions: 1 });
    expect(await upstream.connect(target('a.test', port))).toEqual({
      ok: false,
      error: 'no TLS handshake within 100 ms',
    });
  });
});

describe('distinctCertificates', () => {
  const block = (text: string, kind = '') =>
    `-----BEGIN ${kind}CERTIFICATE-----\n${text}\n-----END ${kind}CERTIFICATE-----`;

  it('keeps each block once, whatever its line breaks, and drops what stands between', () => {
    const bundle = `# a name\r\n${block('QUJD\r\nREVG')}\r\n\n${block('R0hJ')}\n${block('SktM', 'TRUSTED ')}`;
    expect(distinctCertificates([block('QUJDREVG'), bundle, block('R0hJ')])).toEqual([
      block('QUJD\r\nREVG'),
      block('R0hJ'),
      block('SktM', 'TRUSTED '),
    ]);
    expect(distinctCertificates(['', 'rubbish'])).toEqual([]);
  });
});
