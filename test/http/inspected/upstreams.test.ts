import { createSecureContext, type SecureContext } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { SandboxAuthority } from '../../../src/http/tls/authority.ts';
import { issueAuthority } from '../../../src/http/tls/certificates.ts';
import { type Behaviour, eventually, origin, refusalIn } from '../harness.ts';
import { inspecting, OUTSIDE, secureClient, secureOrigin, secureTalk, tunnel } from './secure.ts';

const DAY = 24 * 3600_000;
const GET = 'GET /v1/a HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer hush\r\n\r\n';
const POST = 'POST /v1/items HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc';
const NO_CONTENT = 'HTTP/1.1 204 No Content\r\n\r\n';
const answers = (count: number) => (text: string) => text.split('HTTP/1.1 ').length > count;

/** Answers each whole request, also further ones on a connection. */
const always: Behaviour = (socket, soFar) => {
  if (/\r\n\r\n(?:abc)?$/.test(soFar)) socket.write(NO_CONTENT);
};

function selfSigned(): SecureContext {
  const { certificate, keys } = issueAuthority(Date.now());
  return createSecureContext({
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: certificate,
  });
}

/** Certificates that are not believed: what the server shows, what is trusted beside Node's own, and what is said. */
const UNTRUSTED: Readonly<
  Record<string, { make(): Promise<{ context: SecureContext; trust?: string }>; why: string }>
> = {
  'of another name': {
    make: async () => ({ context: OUTSIDE.leafFor('b.test') }),
    why: 'ERR_TLS_CERT_ALTNAME_INVALID',
  },
  'of the name above': {
    make: async () => ({ context: OUTSIDE.leafFor('test') }),
    why: 'ERR_TLS_CERT_ALTNAME_INVALID',
  },
  'of its address': {
    make: async () => ({ context: OUTSIDE.leafFor('127.0.0.1') }),
    why: 'ERR_TLS_CERT_ALTNAME_INVALID',
  },
  'of an unknown authority': {
    make: async () => ({ context: new SandboxAuthority().leafFor('a.test') }),
    why: 'CERT|ISSUER|VERIFY',
  },
  'signed by itself': {
    make: async () => ({ context: selfSigned() }),
    why: 'SELF_SIGNED|INVALID_PURPOSE',
  },
  'that has expired': {
    make: async () => {
      const old = new SandboxAuthority(undefined, Date.now() - 90 * DAY);
      return { context: await old.leafFor('a.test'), trust: old.caPem };
    },
    why: 'CERT_HAS_EXPIRED',
  },
  'that is not valid yet': {
    make: async () => {
      const future = new SandboxAuthority(undefined, Date.now() + 90 * DAY);
      return { context: await future.leafFor('a.test'), trust: future.caPem };
    },
    why: 'CERT_NOT_YET_VALID',
  },
};

describe('a server with a certificate', () => {
  it.each(Object.entries(UNTRUSTED))(
    '%s is sent nothing, and its client told why',
    async (_what, { make, why }) => {
      const { context, trust = OUTSIDE.caPem } = await make();
      const server = await secureOrigin(always, context);
      const made = await inspecting(server, { inspect: [trust] });
      const refusal = refusalIn(await secureTalk(made, GET));
      expect(refusal).toMatchObject({ status: 502, code: 'OSH-EGR-011', error: 'upstream_unreachable' });
      expect(refusal.reason).toMatch(new RegExp(`^no TLS with a\\.test:443: .*(?:${why})`));
      expect(server.log.join('')).toBe('');
      expect(JSON.stringify([made.events, refusal])).not.toContain('hush');
      await eventually(() => server.open.size === 0);
    },
  );

  it('that the sandbox itself would be shown is not trusted: its authority is for the inside', async () => {
    const inside = new SandboxAuthority();
    const server = await secureOrigin(always, await inside.leafFor('a.test'));
    const made = await inspecting(server);
    expect(refusalIn(await secureTalk(made, GET))).toMatchObject({ status: 502 });
  });

  it('is asked for by the name of the rule, whatever the client does not name', async () => {
    const server = await secureOrigin(always);
    const made = await inspecting(server);
    const { client } = await secureClient(made, { servername: '', checkServerIdentity: () => undefined });
    await client.send(GET).until(answers(1));
    expect(server.handshakes).toEqual([{ servername: 'a.test', resumed: false }]);
  });

  it('is no server of TLS at all: that is said', async () => {
    const server = await origin((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const made = await inspecting(server);
    const refusal = refusalIn(await secureTalk(made, GET));
    expect(refusal).toMatchObject({ status: 502, code: 'OSH-EGR-011' });
    expect(refusal.reason).toMatch(/^no TLS with a\.test:443: /);
    expect(server.log.join('')).not.toContain('hush');
  });

  it('of an old version of TLS is not spoken to', async () => {
    const { leafKey, leaf } = leafOfOutside();
    const context = createSecureContext({
      key: leafKey,
      cert: leaf,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0',
    });
    const server = await secureOrigin(always, context);
    const made = await inspecting(server);
    expect(refusalIn(await secureTalk(made, GET))).toMatchObject({ status: 502, code: 'OSH-EGR-011' });
    expect(server.log.join('')).toBe('');
  });
});

/** A certificate of any authority: the version is refused before it is looked at. */
function leafOfOutside(): { leafKey: string; leaf: string } {
  const { certificate, keys } = issueAuthority(Date.now());
  const leafKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  return { leafKey, leaf: certificate };
}

describe('connections to a server', () => {
  it('are kept for the requests of any client that the same rules let through', async () => {
    const server = await secureOrigin(always);
    const made = await inspecting(server);
    for (let i = 0; i < 3; i += 1) {
      const { client } = await secureClient(made);
      await client.send(GET).until(answers(1));
      await client.send(POST).until(answers(2));
      client.socket.destroy();
    }
    expect(server.handshakes).toHaveLength(1);
    expect(made.dials).toHaveLength(1);
    expect(server.log[0]!.match(/(?:GET|POST) /g)).toHaveLength(6);
  });

  it('are closed when nothing needs them for a while', async () => {
    const server = await secureOrigin(always);
    const made = await inspecting(server, { upstreamLimits: { upstreamIdleMs: 100 } });
    const { client } = await secureClient(made);
    await client.send(GET).until(answers(1));
    await eventually(() => server.open.size === 0);
  });

  it('are closed when their only request was taken back', async () => {
    const server = await secureOrigin(() => undefined);
    const made = await inspecting(server, { upstreamLimits: { upstreamIdleMs: 100 } });
    const { client } = await secureClient(made);
    client.send(GET);
    await eventually(() => server.log[0]?.includes('GET') === true);
    client.socket.destroy();
    await eventually(() => server.open.size === 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(server.open.size).toBe(0);
    expect(server.log.filter((text) => text !== '')).toHaveLength(1);
  });

  it('are resumed: the next handshake is a short one', async () => {
    const server = await secureOrigin((socket) => socket.end(`${NO_CONTENT}`));
    const made = await inspecting(server);
    for (let i = 1; i <= 3; i += 1) {
      const { client } = await secureClient(made);
      await client.send(GET).until(answers(1));
      await eventually(() => server.open.size === 0);
    }
    expect(server.handshakes.map(({ resumed }) => resumed)).toEqual([false, true, true]);
  });

  it('are never resumed with a server that was not believed', async () => {
    const contexts = [OUTSIDE.leafFor('b.test')];
    const server = await secureOrigin(always, () => contexts[0]!);
    const made = await inspecting(server);
    for (let i = 0; i < 2; i += 1)
      expect(refusalIn(await secureTalk(made, GET))).toMatchObject({ status: 502, code: 'OSH-EGR-011' });
    expect(server.log.join('')).toBe('');
    expect(server.handshakes.map(({ resumed }) => resumed)).not.toContain(true);
  });

  it('to a server that shows another certificate later are verified anew', async () => {
    const good = OUTSIDE.leafFor('a.test');
    const bad = OUTSIDE.leafFor('b.test');
    let context = good;
    const server = await secureOrigin(
      (socket) => socket.end(NO_CONTENT),
      () => context,
    );
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    await client.send(GET).until(answers(1));
    await eventually(() => server.open.size === 0);
    context = bad;
    expect(refusalIn(await secureTalk(made, GET))).toMatchObject({ status: 502, code: 'OSH-EGR-011' });
    expect(server.log.filter((text) => text !== '')).toHaveLength(1);
  });

  it('are not shared by rules that allow other addresses', async () => {
    const { inspected } = await import('../../match/requests.ts');
    const { binary, identity, policy, table } = await import('../../match/tables.ts');
    const { ok } = await import('../../../src/base/result.ts');
    const server = await secureOrigin(always);
    const programs = ['/usr/bin/curl', '/usr/bin/git'];
    const rules = table(
      programs.map((path, order) =>
        policy(path.slice(9), [inspected('a.test:443', ['GET /**'])], [binary(path)], { index: order }),
      ),
    );
    let turn = 0;
    const made = await inspecting(server, {
      rules,
      identityOf: async () => ok(identity(programs[turn++ % 2]!)),
    });
    for (const _ of programs) {
      const { client } = await secureClient(made);
      await client.send(GET).until(answers(1));
    }
    expect(made.dials).toHaveLength(2);
  });
});

describe('a connection that the server has closed meanwhile', () => {
  /** Answers the first request of the first connection; closes it without a word at the second. */
  const closing: Behaviour = (socket, soFar) => {
    const requests = soFar.match(/(?:GET|POST) /g)?.length ?? 0;
    if (requests === 1) always(socket, soFar);
    else socket.destroy();
  };

  it('is found out by a GET, which is sent again', async () => {
    const server = await secureOrigin(closing);
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    await client.send(GET).until(answers(1));
    const text = await client.send(GET).until(answers(2));
    expect(text.match(/ 204 /g)).toHaveLength(2);
    expect(server.log.map((log) => log.match(/GET /g)?.length)).toEqual([2, 1]);
    expect(made.events).toHaveLength(3);
  });

  it('is found out by a GET too where the server resets it', async () => {
    const server = await origin((socket, soFar) => {
      if (soFar.match(/GET /g)?.length === 1) always(socket, soFar);
      else socket.resetAndDestroy();
    });
    const made = await inspecting(server);
    const client = await tunnel(made.port, 'a.test:80');
    await client.send(GET).until(answers(1));
    const text = await client.send(GET).until(answers(2));
    expect(text.match(/ 204 /g)).toHaveLength(2);
  });

  it('is found out by a POST, which is not: nobody knows what came of the first', async () => {
    const server = await secureOrigin(closing);
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    await client.send(GET).until(answers(1));
    client.received = '';
    expect(refusalIn(await client.send(POST).end())).toMatchObject({ status: 502, code: 'OSH-EGR-021' });
    expect(server.log.join('').match(/POST /g)).toHaveLength(1);
  });

  it('is not tried for ever', async () => {
    const server = await secureOrigin((socket) => socket.destroy());
    const made = await inspecting(server);
    expect(refusalIn(await secureTalk(made, GET))).toMatchObject({ status: 502, code: 'OSH-EGR-021' });
    expect(server.log.filter((text) => text !== '')).toHaveLength(2);
  });
});

describe('connections of clients', () => {
  it.each(['TLSv1.3', 'TLSv1.2'] as const)('are resumed with %s', async (version) => {
    const server = await secureOrigin(always);
    const made = await inspecting(server);
    const options = { minVersion: version, maxVersion: version };
    const first = await secureClient(made, options);
    await first.client.send(GET).until(answers(1));
    await eventually(() => first.session() !== null);
    const second = await secureClient(made, { ...options, session: first.session()! });
    expect(second.secure.isSessionReused()).toBe(true);
    await second.client.send(GET).until(answers(1));
    expect(made.events).toHaveLength(4);
  });

  it('are not resumed for another host', async () => {
    const { inspected } = await import('../../match/requests.ts');
    const { policy, table } = await import('../../match/tables.ts');
    const rules = table([
      policy('site', [inspected('a.test:443', ['GET /**']), inspected('b.test:443', ['GET /**'])]),
    ]);
    const server = await secureOrigin(always);
    const made = await inspecting(server, {
      rules,
      to: { 'a.test:443': server.port, 'b.test:443': server.port },
    });
    const first = await secureClient(made);
    await first.client.send(GET).until(answers(1));
    await eventually(() => first.session() !== null);
    const other = await secureClient(made, { servername: 'b.test', session: first.session()! }, 'b.test:443');
    expect(other.secure.isSessionReused()).toBe(false);
    expect(other.secure.getPeerCertificate().subjectaltname).toBe('DNS:b.test');
  });
});
