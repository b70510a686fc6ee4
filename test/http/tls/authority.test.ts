import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkServerIdentity, connect, type SecureContext, TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { SandboxAuthority } from '../../../src/http/tls/authority.ts';
import { onCleanup } from '../harness.ts';

const LONG = `${'a'.repeat(60)}.${'b'.repeat(60)}.example.test`;

/** The leaf that a client sees which trusts `ca` alone and asks for `host`; rejects when it does not trust it. */
async function visit(context: SecureContext, host: string, ca: string): Promise<X509Certificate> {
  const server = createServer((socket) => {
    new TLSSocket(socket, { isServer: true, secureContext: context }).on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => server.close());
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const client = connect({
      host: '127.0.0.1',
      port,
      ca,
      // No name is sent for an address.
      servername: isIP(host) === 0 ? host : '',
      checkServerIdentity: (_servername, certificate) => checkServerIdentity(host, certificate),
    });
    client.on('error', reject);
    client.on('secureConnect', () => {
      resolve(client.getPeerX509Certificate()!);
      client.destroy();
    });
  });
}

const openssl = spawnSync('openssl', ['version']).status === 0;

describe('the authority of a sandbox', () => {
  it('is a P-256 authority that may make leaves only, for a month', async () => {
    const { caPem } = new SandboxAuthority();
    const ca = new X509Certificate(caPem);
    expect(ca.subject).toBe('CN=OpenShell Sandbox CA\nO=OpenShell');
    expect(ca.issuer).toBe(ca.subject);
    expect(ca.ca).toBe(true);
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(ca.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    const day = 24 * 3600_000;
    expect((Date.now() - Date.parse(ca.validFrom)) / day).toBeCloseTo(1, 1);
    expect((Date.parse(ca.validTo) - Date.now()) / day).toBeCloseTo(30, 1);
    expect(caPem).toMatch(/^-----BEGIN CERTIFICATE-----\n[\s\S]+-----END CERTIFICATE-----\n$/);
  });

  it('is another for every sandbox', async () => {
    const [one, other] = [new SandboxAuthority(), new SandboxAuthority()];
    expect(new X509Certificate(one.caPem).serialNumber).not.toBe(
      new X509Certificate(other.caPem).serialNumber,
    );
    await expect(visit(await one.leafFor('a.test'), 'a.test', other.caPem)).rejects.toThrow();
  });

  it.each(['a.test', 'xn--bcher-kva.test', 'with_underscore.test', LONG, '192.0.2.7', '2001:db8::7'])(
    'makes a leaf for %s that a client trusts',
    async (host) => {
      const authority = new SandboxAuthority();
      const leaf = await visit(authority.leafFor(host), host, authority.caPem);
      const ca = new X509Certificate(authority.caPem);
      expect(leaf.verify(ca.publicKey)).toBe(true);
      expect(leaf.checkIssued(ca)).toBe(true);
      expect(leaf.ca).toBe(false);
      expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
      expect(leaf.serialNumber).not.toBe(ca.serialNumber);
    },
  );

  it('makes leaves that are for no other host', async () => {
    const authority = new SandboxAuthority();
    const context = authority.leafFor('a.test');
    await expect(visit(context, 'b.test', authority.caPem)).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    await expect(visit(context, 'x.a.test', authority.caPem)).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  it('makes one leaf for a host, and keeps as many as it may, the last used', async () => {
    const authority = new SandboxAuthority({ leaves: 2 });
    const first = authority.leafFor('a.test');
    expect(authority.leafFor('a.test')).toBe(first);
    const b = authority.leafFor('b.test');
    expect(authority.leafFor('a.test')).toBe(first);
    authority.leafFor('c.test'); // b.test was longest unused
    expect(authority.leafFor('a.test')).toBe(first);
    expect(authority.leafFor('b.test')).not.toBe(b);
  });

  it.each(['*.test', '*', '', 'A.test', 'a\0.test', 'b\u00fccher.test', 'a test', `${'a.'.repeat(130)}test`])(
    'makes no leaf for %j, and does not remember it',
    async (host) => {
      const authority = new SandboxAuthority();
      expect(() => authority.leafFor(host)).toThrow('no certificate is made for');
      expect(() => authority.leafFor(host)).toThrow('no certificate is made for');
    },
  );

  it.skipIf(!openssl)('satisfies `openssl verify` in its strict mode', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'openshell-authority-'));
    onCleanup(() => rmSync(directory, { recursive: true }));
    const authority = new SandboxAuthority();
    writeFileSync(join(directory, 'ca.pem'), authority.caPem);
    for (const [host, option] of [
      ['a.test', '-verify_hostname'],
      ['192.0.2.7', '-verify_ip'],
      [LONG, '-verify_hostname'],
    ] as const) {
      const leaf = await visit(authority.leafFor(host), host, authority.caPem);
      writeFileSync(join(directory, 'leaf.pem'), leaf.toString());
      const args = [
        'verify',
        '-x509_strict',
        '-purpose',
        'sslserver',
        option,
        host,
        '-CAfile',
        'ca.pem',
        'leaf.pem',
      ];
      const { stdout, stderr } = spawnSync('openssl', args, { cwd: directory, encoding: 'utf8' });
      expect(`${stdout}${stderr}`).toBe('leaf.pem: OK\n');
    }
    const { stdout } = spawnSync(
      'openssl',
      ['x509', '-in', 'ca.pem', '-noout', '-ext', 'basicConstraints,keyUsage,subjectKeyIdentifier'],
      {
        cwd: directory,
        encoding: 'utf8',
      },
    );
    expect(stdout).toContain('Basic Constraints: critical\n    CA:TRUE, pathlen:0');
    expect(stdout).toContain('Key Usage: critical\n    Certificate Sign, CRL Sign');
    expect(stdout).toContain('Subject Key Identifier');
  });
});
