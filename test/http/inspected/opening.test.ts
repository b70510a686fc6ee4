import { spawn, spawnSync } from 'node:child_process';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { inspected } from '../../match/requests.ts';
import { host, policy, table } from '../../match/tables.ts';
import { answerOnce, Client, eventually, origin, refusalIn } from '../harness.ts';
import { hello, RECORDED, records, serverName } from '../tls/hellos.ts';
import { handshake, inspecting, OUTSIDE, REST, secureClient, secureOrigin, tunnel } from './secure.ts';

const GET = 'GET /v1/a HTTP/1.1\r\nHost: a.test\r\n\r\n';
const ALERT = /^\x15\x03[\x01-\x03]\x00\x02\x02/;
const noServer = { port: 1 };

const reasons = (events: readonly { reason: string }[]): string[] => events.map(({ reason }) => reason);

describe('a TLS client', () => {
  it.each([
    ['asks for the host', 'a.test'],
    ['asks for it in capitals', 'A.TEST'],
    ['names no host', ''],
  ])('is answered for the host of CONNECT when it %s', async (_what, servername) => {
    const server = await secureOrigin();
    const made = await inspecting(server);
    const { client, secure } = await secureClient(made, {
      servername,
      checkServerIdentity: () => undefined,
    });
    expect(secure.authorized).toBe(true);
    expect(secure.getPeerCertificate().subjectaltname).toBe('DNS:a.test');
    expect(await client.send(GET).until('hello')).toContain('hello');
    expect(server.handshakes).toEqual([{ servername: 'a.test', resumed: false }]);
  });

  it('may end the name with a dot', async () => {
    const server = await secureOrigin();
    const made = await inspecting(server);
    const { socket } = await tunnel(made.port);
    // OpenSSL sends the name as it is given; Node's own check of the name is not what is tried here.
    const { secure } = await handshake(socket, made.ca, {
      servername: 'a.test.',
      checkServerIdentity: () => undefined,
    });
    expect(secure.authorized).toBe(true);
  });

  it.each([
    ['another host', 'b.test'],
    ['a host below', 'x.a.test'],
    ['a host above', 'test'],
    ['a pattern', '*.test'],
    ['localhost', 'localhost'],
  ])('is refused that asks for %s', async (_what, servername) => {
    const made = await inspecting(noServer);
    await expect(secureClient(made, { servername, checkServerIdentity: () => undefined })).rejects.toThrow();
    expect(made.events).toHaveLength(2);
    expect(made.events[1]).toMatchObject({
      ...{ type: 'denial', action: 'deny', reason: 'malformed_request' },
      subject: { kind: 'connect', host: 'a.test', port: 443, via: 'connect' },
    });
    expect(made.dials).toEqual([]);
  });

  it('sees for an address a certificate for the address, and sends it no name', async () => {
    const context = OUTSIDE.leafFor('192.0.2.7');
    const server = await secureOrigin(answerOnce('hello'), context);
    const made = await inspecting(server, {
      rules: table([policy('site', [inspected('192.0.2.7:443', ['GET /**'])])]),
      to: { '192.0.2.7:443': server.port },
    });
    const { client, secure } = await secureClient(
      made,
      { servername: '', host: '192.0.2.7' },
      '192.0.2.7:443',
    );
    expect(secure.authorized).toBe(true);
    expect(secure.getPeerCertificate().subjectaltname).toBe('IP Address:192.0.2.7');
    await client.send('GET / HTTP/1.1\r\nHost: 192.0.2.7\r\n\r\n').until('hello');
    expect(server.handshakes).toMatchObject([{ servername: false }]);
  });

  it.each([
    ['http/1.1', ['http/1.1'], 'http/1.1'],
    ['nothing', undefined, false],
    ['something unknown first', ['spdy/3', 'http/1.1'], 'http/1.1'],
  ])('that offers %s gets HTTP/1.1', async (_what, ALPNProtocols, chosen) => {
    const server = await secureOrigin();
    const made = await inspecting(server);
    const { client, secure } = await secureClient(made, { ALPNProtocols: ALPNProtocols as string[] });
    expect(secure.alpnProtocol).toBe(chosen);
    expect(await client.send(GET).until('hello')).toContain('hello');
  });

  it.each([[['acme-tls/1']], [['spdy/3', 'imap']]])(
    'that offers only %j is refused',
    async (ALPNProtocols) => {
      const made = await inspecting(noServer);
      await expect(secureClient(made, { ALPNProtocols })).rejects.toThrow(/alert|protocol/i);
      expect(reasons(made.events)).toEqual(['allowed', 'unsupported_protocol']);
    },
  );

  it('of an old version is refused by the handshake', async () => {
    const made = await inspecting(noServer);
    for (const version of ['TLSv1', 'TLSv1.1'] as const) {
      const old = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' };
      await expect(secureClient(made, old)).rejects.toThrow();
    }
    expect(made.dials).toEqual([]);
  });

  it('is heard when it says its hello byte by byte', async () => {
    const server = await secureOrigin();
    const made = await inspecting(server);
    const { socket } = await tunnel(made.port);
    const write = socket.write.bind(socket);
    const { client } = await new Promise<Awaited<ReturnType<typeof handshake>>>((resolve, reject) => {
      // A local relay in front of the socket that cuts what it is given to pieces.
      void import('node:stream').then(({ Duplex }) => {
        const cut = new Duplex({
          read: () => {},
          write: (chunk: Buffer, _encoding, done) => {
            void (async () => {
              for (const byte of chunk) {
                write(Buffer.from([byte]));
                await new Promise((next) => setImmediate(next));
              }
              done();
            })();
          },
        });
        socket.removeAllListeners('data');
        socket.on('data', (bytes) => cut.push(bytes));
        const secure = connectTls({ socket: cut, ca: made.ca, servername: 'a.test' });
        secure.once('error', reject);
        secure.once('secureConnect', () =>
          resolve({ client: new Client(secure), secure, session: () => null }),
        );
      });
    });
    expect(await client.send(GET).until('hello')).toContain('hello');
  });

  it.each(Object.keys(RECORDED))('is recognised: %s', async (name) => {
    const made = await inspecting(noServer);
    const client = await tunnel(made.port);
    client.socket.write(RECORDED[name]!.bytes);
    await client.until((text) => text.length > 0);
    // The name is another than that of CONNECT, or there is none.
    if (RECORDED[name]!.sni === null) expect(client.received).toMatch(/^\x16\x03\x03/);
    else expect(client.received).toMatch(/^\x15\x03\x03?\x00?/);
  });

  it.each([
    ['two names', records(hello([serverName('a.test', 'b.test')]))],
    ['two extensions with a name', records(hello([serverName('a.test'), serverName('a.test')]))],
    ['a name with a NUL', records(hello([serverName('a.test\0.b.test')]))],
    ['a record without bytes', Buffer.from([0x16, 3, 1, 0, 0])],
    ['a record of SSL 2', Buffer.from([0x16, 2, 0, 0, 4, 1, 0, 0, 0])],
    ['another message', Buffer.from([0x16, 3, 1, 0, 4, 2, 0, 0, 0])],
    [
      'something behind the hello',
      Buffer.concat([records(Buffer.concat([hello([serverName('a.test')]), Buffer.from([1])]))]),
    ],
    ['a hello of 20 KiB', records(hello([serverName('a.test')], { tail: Buffer.alloc(20_000) }))],
  ])('whose hello is broken is refused: %s', async (_what, bytes) => {
    const made = await inspecting(noServer);
    const client = await tunnel(made.port);
    client.socket.write(bytes);
    expect(await client.end()).toMatch(ALERT);
    expect(reasons(made.events)).toEqual(['allowed', 'malformed_request']);
    expect(made.dials).toEqual([]);
  });

  it('that says half of a hello is waited for, and then left', async () => {
    const made = await inspecting(noServer, { limits: { headerMs: 100 } });
    const client = await tunnel(made.port);
    client.socket.write(records(hello([serverName('a.test')])).subarray(0, 40));
    expect(await client.end()).toBe('');
    expect(reasons(made.events)).toEqual(['allowed', 'malformed_request']);
  });

  it('that leaves in the handshake leaves nothing behind', async () => {
    const made = await inspecting(noServer);
    const client = await tunnel(made.port);
    client.socket.write(records(hello([serverName('a.test')])));
    client.socket.destroy();
    await eventually(() => made.events.length === 1);
    expect(reasons(made.events)).toEqual(['allowed']);
  });
});

describe('a client that speaks no TLS', () => {
  it('and says nothing is left after a while', async () => {
    const made = await inspecting(noServer, { limits: { headerMs: 100 } });
    const client = await tunnel(made.port);
    expect(await client.end()).toBe('');
    expect(made.events[1]).toMatchObject({ action: 'deny', subject: { host: 'a.test', port: 443 } });
  });

  it('is served on port 80, behind CONNECT', async () => {
    const server = await origin();
    const made = await inspecting(server);
    const client = await tunnel(made.port, 'a.test:80');
    expect(await client.send(GET).until('hello')).toContain('hello');
    expect(server.log[0]).toMatch(/^GET \/v1\/a HTTP\/1\.1\r\nhost: a\.test\r\n/);
  });

  it('must name port 443 there, which http URLs do not leave out', async () => {
    const server = await origin();
    const made = await inspecting(server);
    const client = await tunnel(made.port, 'a.test:443');
    expect(refusalIn(await client.send(GET).end())).toMatchObject({ status: 400, code: 'OSH-EGR-015' });
    const other = await tunnel(made.port, 'a.test:443');
    await other.send(GET.replace('a.test', 'a.test:443')).until('hello');
    expect(server.log[0]).toMatch(/^GET \/v1\/a HTTP\/1\.1\r\nhost: a\.test:443\r\n/);
  });

  it.each([
    ['HTTP/2 by prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'OSH-EGR-019'],
    ['SSH', 'SSH-2.0-OpenSSH_9.9\r\n', 'OSH-EGR-014'],
    ['rubbish', '\0\x01\x02\x03', 'OSH-EGR-014'],
    ['a TLS alert', '\x15\x03\x01\0\x02\x02\x28', 'OSH-EGR-014'],
    ['SSL 2', '\x80\x2e\x01\x00\x02\x00\x15', 'OSH-EGR-014'],
  ])('is refused where it speaks %s', async (_what, bytes, code) => {
    const made = await inspecting(noServer);
    const client = await tunnel(made.port, 'a.test:80');
    expect(refusalIn(await client.send(bytes).end())).toMatchObject({
      status: 400,
      code,
      host: 'a.test',
      port: 80,
    });
    expect(made.events).toHaveLength(2);
  });

  it('may send its first request behind CONNECT at once', async () => {
    const server = await origin();
    const made = await inspecting(server);
    const client = new Client(made.port).send(`CONNECT a.test:80 HTTP/1.1\r\n\r\n${GET}`);
    expect(await client.until('hello')).toMatch(
      /^HTTP\/1\.1 200 Connection Established\r\n\r\nHTTP\/1\.1 200 OK/,
    );
  });

  it('may send its hello behind CONNECT at once', async () => {
    const made = await inspecting(noServer);
    const client = new Client(made.port);
    client.socket.write(
      Buffer.concat([
        Buffer.from('CONNECT a.test:443 HTTP/1.1\r\n\r\n'),
        RECORDED['openssl, TLS 1.2, no name']!.bytes,
      ]),
    );
    await client.until((text) => text.includes('\x16\x03\x03'));
    expect(client.received).toMatch(/Established\r\n\r\n\x16\x03\x03/);
  });
});

describe('a connection past the proxy', () => {
  it('is looked at as one behind CONNECT is', async () => {
    const server = await secureOrigin();
    const made = await inspecting(server, { rules: REST, intended: { host: host('a.test'), port: 443 } });
    const { client } = await handshake(new Client(made.port).socket, made.ca);
    expect(await client.send(GET).until('hello')).toContain('hello');
    client.received = '';
    expect(refusalIn(await client.send(GET.replace('/v1', '/v2')).end())).toMatchObject({
      code: 'OSH-EGR-022',
    });
    expect(made.events.map(({ subject, action }) => [subject.kind, action])).toEqual([
      ['connect', 'allow'],
      ['request', 'allow'],
      ['request', 'deny'],
    ]);
    expect(made.events[0]).toMatchObject({ subject: { via: 'direct' } });
  });
});

describe('openssl s_client', () => {
  it.skipIf(spawnSync('openssl', ['version']).status !== 0)(
    'verifies the chain that it is shown',
    async () => {
      const made = await inspecting(noServer);
      const { writeFileSync, mkdtempSync, rmSync } = await import('node:fs');
      const { join } = await import('node:path');
      const directory = mkdtempSync(join((await import('node:os')).tmpdir(), 'openshell-opening-'));
      writeFileSync(join(directory, 'ca.pem'), made.ca);
      const child = spawn('openssl', [
        ...[
          's_client',
          '-proxy',
          `127.0.0.1:${made.port}`,
          '-connect',
          'a.test:443',
          '-servername',
          'a.test',
        ],
        ...['-CAfile', join(directory, 'ca.pem'), '-verify_return_error', '-verify_hostname', 'a.test'],
      ]);
      let out = '';
      child.stdout.on('data', (bytes) => {
        out += bytes;
      });
      child.stdin.on('error', () => {});
      await eventually(() => out.includes('Verify return code') || child.exitCode !== null);
      child.kill();
      rmSync(directory, { recursive: true });
      expect(out).toContain('Verify return code: 0 (ok)');
      expect(out).toMatch(/subject=CN ?= ?a\.test/);
    },
  );
});
