import type { RequestListener } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeCertificate } from './support/certificate.ts';
import { because, missing } from './support/host.ts';
import { type Finished, openshell } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';
import { serve, type WebServer } from './support/server.ts';

const lacking = missing('curl', 'openssl');
const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
let plain: WebServer;
let secure: WebServer;
let certificate: Certificate;

const answer: RequestListener = (request, response) => {
  const { url, method, headers } = request;
  if (url === '/large') {
    response.end(Buffer.alloc(50_000_000, 'y'));
  } else if (url === '/slow') {
    response.write('one\n');
    setTimeout(() => response.end('two\n'), 300);
  } else if (url === '/redirect') {
    response.writeHead(302, { location: 'http://other.test/secret' }).end();
  } else if (url === '/headers') {
    response.end(JSON.stringify(headers));
  } else if (method === 'PUT') {
    let size = 0;
    request.on('data', (part: Buffer) => {
      size += part.length;
    });
    request.on('end', () => response.end(`${size}\n`));
  } else {
    response.end(`${method} ${url}\n`);
  }
};

beforeAll(async () => {
  if (lacking.length > 0) return;
  certificate = makeCertificate(scratch, ['web.test']);
  plain = await serve(answer);
  secure = await serve(answer, certificate);
});
afterAll(() => Promise.all([plain?.close(), secure?.close()]));

function inside(script: string): Promise<Finished> {
  const policy = scratch.policy(
    [
      'version: 1',
      'network_policies:',
      '  web:',
      '    endpoints:',
      '      - {host: web.test, ports: [80, 443]}',
      '    binaries: [{path: /usr/bin/curl}]',
      '',
    ].join('\n'),
  );
  return openshell(
    [
      'run',
      ...[
        '--policy',
        policy,
        '--read',
        certificate.authority,
        '--env',
        `CURL_CA_BUNDLE=${certificate.authority}`,
      ],
      ...[
        '--connect-to',
        `web.test:80:127.0.0.1:${plain.port}`,
        '--connect-to',
        `web.test:443:127.0.0.1:${secure.port}`,
      ],
      ...['--connect-to', `other.test:80:127.0.0.1:${plain.port}`],
      ...['--', 'sh', '-c', script],
    ],
    here,
  );
}

describe.skipIf(lacking.length > 0)(`curl${because(lacking)}`, () => {
  it.each([
    ['http, which goes through the proxy as a request', 'curl -sS http://web.test/a?b=c', 'GET /a?b=c\n'],
    ['https, which goes through it as a tunnel', 'curl -sS https://web.test/a?b=c', 'GET /a?b=c\n'],
    ['http in a tunnel, when it is asked for one', 'curl -sS --proxytunnel http://web.test/a', 'GET /a\n'],
    [
      'several requests on one connection',
      'curl -sS http://web.test/1 http://web.test/2 http://web.test/3',
      'GET /1\nGET /2\nGET /3\n',
    ],
    ['an upload', 'head -c 5000000 /dev/zero | curl -sS -T - http://web.test/up', '5000000\n'],
    ['an upload over https', 'head -c 5000000 /dev/zero | curl -sS -T - https://web.test/up', '5000000\n'],
    ['a large download', 'curl -sS http://web.test/large | wc -c', '50000000\n'],
    ['a large download over https', 'curl -sS https://web.test/large | wc -c', '50000000\n'],
    ['an answer that comes in pieces', 'curl -sSN http://web.test/slow', 'one\ntwo\n'],
    ['HEAD', `curl -sSI http://web.test/x | head -n 1 | tr -d '\\r'`, 'HTTP/1.1 200 OK\n'],
  ])('gets %s', async (_what, script, stdout) => {
    const done = await inside(script);
    expect(done).toMatchObject({ code: 0, stdout, stderr: '' });
  });

  it('is refused another host with a JSON body that says why, which rule is near, and what to do', async () => {
    const done = await inside(`curl -sS -w '\\n%{http_code}' http://other.test/path?token=hunter2`);
    const [body = '', ...rest] = done.stdout.trim().split('\n');
    expect(rest.at(-1)).toBe('403');
    expect(JSON.parse(body)).toMatchObject({
      error: 'policy_denied',
      reason: expect.stringContaining('other.test:80'),
      layer: 'egress',
      method: 'GET',
      path: '/path',
      host: 'other.test',
      port: 80,
      binary: '/usr/bin/curl',
      code: 'OSH-EGR-003',
    });
    expect(body).not.toContain('hunter2');
    expect(done.stderr).toContain(
      '/usr/bin/curl may not connect to other.test:80: no network policy lists it',
    );
  });

  it('does not follow a redirect to where the policy does not let it', async () => {
    const before = plain.asked.length;
    const done = await inside(`curl -sSL -o /dev/null -w '%{http_code}' http://web.test/redirect`);
    expect(done.stdout).toBe('403');
    expect(plain.asked.slice(before)).toEqual(['GET web.test /redirect']);
  });

  it('tells the server what RFC 9110 wants of a proxy, and nothing of this machine', async () => {
    const { stdout } = await inside('curl -sS -A test http://web.test/headers');
    const { via, ...headers } = JSON.parse(stdout) as Record<string, string>;
    expect(Object.keys(headers).sort()).toEqual(['accept', 'connection', 'host', 'user-agent']);
    expect(via).toBe('1.1 openshell-sandbox');
  });

  it('INV-08 gets no address of a name that is not listed', async () => {
    const done = await inside(
      `curl -sS --noproxy '*' http://other.test/; echo "code $?"; curl -sS --noproxy '*' http://web.test/; echo "code $?"`,
    );
    expect(done.stdout).toBe('code 6\nGET /\ncode 0\n');
  });

  it('cannot go around the proxy by an address', async () => {
    const done = await inside(`curl -sS --noproxy '*' http://127.0.0.1:${plain.port}/; echo "code $?"`);
    expect(done.stdout).toBe('code 7\n');
  });

  it.each([
    ['the host by its address', (port: number) => `http://127.0.0.1:${port}/`],
    ['the host in other digits', (port: number) => `http://0x7f000001:${port}/`],
    ['the host in IPv6', (port: number) => `http://[::ffff:127.0.0.1]:${port}/`],
    ['the metadata service', () => 'http://169.254.169.254/latest/meta-data/'],
    ['localhost', (port: number) => `http://localhost:${port}/`],
  ])('INV-08 is refused %s by the proxy', async (_what, url) => {
    const before = plain.asked.length;
    const { stdout } = await inside(
      `curl -sS --noproxy '' -o /dev/null -w '%{http_code}' '${url(plain.port)}'`,
    );
    expect(['400', '403']).toContain(stdout);
    expect(plain.asked.length).toBe(before);
  });

  it('is not curl when it is a copy of curl', async () => {
    const done = await inside(
      `cp /usr/bin/curl ./curl-copy; ./curl-copy -sS -o /dev/null -w '%{http_code}' http://web.test/; rm curl-copy`,
    );
    expect(done.stdout).toBe('403');
    expect(done.stderr).toContain('the network policy does not list this program');
  });
});
