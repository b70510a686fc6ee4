/**
 * Real clients whose requests are judged by what their bodies ask for: curl with JSON-RPC, Node with GraphQL, and MCP by the
 * official packages of both lines. Over TLS, past the proxy, without being told of any certificate.
 */
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { buildSchema, graphql } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from './support/certificate.ts';
import { because, missing, nodeOptions } from './support/host.ts';
import { sessions, stateless } from './support/mcp-servers.ts';
import { eventsOf, openshell, PACKAGE } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';
import { serve, type WebServer } from './support/server.ts';

const lacking = missing('curl', 'openssl');
const scratch = useScratch();
const NAMES = ['rpc.test', 'graphql.test', 'mcp1.test', 'mcp2.test'];
const ran: string[] = [];
let server: WebServer;
let options: string[] = [];
let runs = 0;

const POLICY = `version: 1
network_policies:
  rpc:
    endpoints:
      - host: rpc.test
        port: 443
        protocol: json-rpc
        rules:
          - allow: { method: eth_call }
    binaries: [{ path: "/**" }]
  graphql:
    endpoints:
      - host: graphql.test
        port: 443
        protocol: graphql
        access: read-only
        deny_rules:
          - { operation_type: query, fields: ["secret*"] }
    binaries: [{ path: "/**" }]
  mcp:
    endpoints:
      - host: mcp1.test
        port: 443
        path: /mcp
        protocol: mcp
        mcp: { allow_all_known_mcp_methods: true }
        rules: [{ allow: { tool: search } }]
      - host: mcp2.test
        port: 443
        path: /mcp
        protocol: mcp
        mcp: { allow_all_known_mcp_methods: true, versions: ["2026-07-28"] }
        rules: [{ allow: { tool: search } }]
    binaries: [{ path: "/**" }]
`;

async function bodyOf(request: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const schema = buildSchema('type Query { viewer: String secrets: String } type Mutation { drop: String }');
const LISTENERS: Readonly<Record<string, RequestListener>> = {
  'rpc.test': async (request, response) => {
    const { id, method } = JSON.parse(await bodyOf(request)) as { id: number; method: string };
    response.end(`${JSON.stringify({ jsonrpc: '2.0', id, result: `${method} ran` })}\n`);
  },
  'graphql.test': async (request, response) => {
    const { query } = JSON.parse(await bodyOf(request)) as { query: string };
    const rootValue = { viewer: 'me', secrets: 'hush', drop: 'gone' };
    response.end(JSON.stringify(await graphql({ schema, rootValue, source: query })));
  },
  'mcp1.test': sessions(ran),
  'mcp2.test': stateless(ran),
};

beforeAll(async () => {
  if (lacking.length > 0) return;
  const certificate = makeCertificate(scratch, NAMES);
  server = await serve(
    (request, response) => LISTENERS[String(request.headers.host)]!(request, response),
    certificate,
  );
  options = [
    ...['--policy', scratch.policy(POLICY), '--upstream-ca', certificate.authority],
    ...['--read', join(PACKAGE, 'node_modules')],
    ...NAMES.flatMap((name) => ['--connect-to', `${name}:443:127.0.0.1:${server.port}`]),
  ];
});
afterAll(() => server?.close());

/** Runs a script of sh, with a module beside it; `asked`: action, host and what was asked for, of each request. */
async function inside(script: string, module = '') {
  runs += 1;
  const log = join(scratch.root, `events-${runs}`);
  scratch.write('home/project/client.mjs', module);
  const done = await openshell(
    ['run', ...nodeOptions, ...options, '--events', log, '--', 'sh', '-c', script],
    { cwd: scratch.project, home: scratch.home },
  );
  const asked = eventsOf(log).flatMap(({ subject, action }) =>
    subject.kind === 'request' ? [[action, subject.host, ...(subject.asked ?? [])].join(' ')] : [],
  );
  return { ...done, asked };
}

const GRAPHQL_CLIENT = `
const ask = async (query) => {
  const answer = await fetch('https://graphql.test/', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const { data, code } = await answer.json();
  console.log(answer.status, JSON.stringify(data ?? code));
};
await ask('{ me: viewer }');
await ask('{ viewer: secrets }');
await ask('mutation { drop }');
await ask('{');
`;

/** The same for both lines. */
const mcpClient = (imports: string, host: string, more = '') => `
${imports}
const client = new Client({ name: 'c', version: '1' }${more});
const transport = new StreamableHTTPClientTransport(new URL('https://${host}/mcp'));
await client.connect(transport);
console.log((await client.listTools()).tools.map(({ name }) => name).join());
const call = async (name) => {
  try {
    const { content } = await client.callTool({ name, arguments: {} });
    console.log(content[0].text);
  } catch (error) {
    console.log(/"code":-32010/.test(error.message), /OSH-EGR-022/.test(error.message));
  }
};
await call('search');
await call('drop');
await call('search');
await transport.terminateSession?.();
await client.close();
`;
const packages = (path: string) => JSON.stringify(join(PACKAGE, 'node_modules/@modelcontextprotocol', path));

describe.skipIf(lacking.length > 0)(`what bodies ask for${because(lacking)}`, () => {
  it('curl: JSON-RPC', async () => {
    const post = (method: string) =>
      `curl -sS https://rpc.test/ -H 'content-type: application/json' -w ' %{http_code}\\n' -d '{"jsonrpc":"2.0","id":1,"method":"${method}"}'`;
    const { stdout, asked } = await inside(`${post('eth_call')}; ${post('eth_sendTransaction')}`);
    const [allowed, status, refused] = stdout.split('\n');
    expect([allowed, status]).toEqual(['{"jsonrpc":"2.0","id":1,"result":"eth_call ran"}', ' 200']);
    expect(JSON.parse(refused!)).toMatchObject({ id: 1, error: { data: { code: 'OSH-EGR-022' } } });
    expect(stdout).toMatch(/ 403\n$/);
    expect([...asked].sort()).toEqual(['allow rpc.test eth_call', 'deny rpc.test eth_sendTransaction']);
  });

  it('Node: GraphQL', async () => {
    const { stdout, stderr, asked } = await inside('node client.mjs', GRAPHQL_CLIENT);
    expect(stderr).toContain('a deny rule is about it');
    expect(stdout).toBe('200 {"me":"me"}\n403 "OSH-EGR-023"\n403 "OSH-EGR-022"\n400 "OSH-EGR-041"\n');
    expect([...asked].sort()).toEqual([
      'allow graphql.test query viewer',
      'deny graphql.test',
      'deny graphql.test mutation drop',
      'deny graphql.test query secrets',
    ]);
  });

  it.each([
    [
      '1.x, with a session',
      mcpClient(
        `import { Client } from ${packages('sdk/dist/esm/client/index.js')};
import { StreamableHTTPClientTransport } from ${packages('sdk/dist/esm/client/streamableHttp.js')};`,
        'mcp1.test',
      ),
    ],
    [
      '2.x, without',
      mcpClient(
        `import { Client, StreamableHTTPClientTransport } from ${packages('client/dist/index.mjs')};`,
        'mcp2.test',
        ", { versionNegotiation: { mode: 'auto' } }",
      ),
    ],
  ])('MCP: the packages %s', async (_what, module) => {
    ran.length = 0;
    const { code, stdout, asked } = await inside('node client.mjs', module);
    expect(stdout).toBe('search,drop\nsearch ran\ntrue true\nsearch ran\n');
    expect(code).toBe(0);
    expect(ran).toEqual(['search', 'search']);
    expect(asked.filter((text) => text.startsWith('deny'))).toHaveLength(1);
  });
});
