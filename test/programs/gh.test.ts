/** GitHub's own client: REST and GraphQL of one host under one policy, with a token that it never sees. */
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeCertificate } from './support/certificate.ts';
import { because, missing } from './support/host.ts';
import { eventsOf, type Finished, openshell } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';
import { serve, type WebServer } from './support/server.ts';

const TOKEN = 'ghp_a-real-token-0815';
const lacking = missing('gh', 'openssl');
const scratch = useScratch();
let server: WebServer;
let options: string[] = [];
let runs = 0;
/** The Authorization header of each request that came. */
let authorised: (string | undefined)[] = [];

const POLICY = `version: 1
network_policies:
  github:
    endpoints:
      - host: api.github.com
        port: 443
        path: /graphql
        protocol: graphql
        rules:
          - allow: { operation_type: query }
        credential_binding: { provider: github }
      - host: api.github.com
        port: 443
        path: /repos/**
        protocol: rest
        rules:
          - allow: { method: GET, path: "/repos/**" }
          - allow: { method: POST, path: "/repos/*/*/issues/*/comments" }
        deny_rules:
          - { method: "*", path: "/repos/*/*/actions/secrets/**" }
        credential_binding: { provider: github }
    binaries: [{ path: /usr/bin/gh }]
`;

const ISSUES = {
  hasIssuesEnabled: true,
  issues: {
    totalCount: 1,
    nodes: [
      {
        number: 7,
        title: 'It breaks',
        state: 'OPEN',
        labels: { nodes: [] },
        updatedAt: '2026-01-01T00:00:00Z',
      },
    ],
    pageInfo: { hasNextPage: false, endCursor: '' },
  },
};

const github: RequestListener = (request, response) => {
  authorised.push(request.headers.authorization);
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/json');
    const data = request.url === '/graphql' ? { data: { repository: ISSUES } } : { full_name: 'acme/tool' };
    response.end(JSON.stringify(data));
  });
};

beforeAll(async () => {
  if (lacking.length > 0) return;
  const certificate = makeCertificate(scratch, ['api.github.com']);
  server = await serve(github, certificate);
  options = [
    ...['--policy', scratch.policy(POLICY), '--upstream-ca', certificate.authority],
    ...['--connect-to', `api.github.com:443:127.0.0.1:${server.port}`, '--credential', 'github=env:GH_TOKEN'],
  ];
});
afterAll(() => server?.close());
beforeEach(() => {
  authorised = [];
  server?.asked.splice(0);
});

async function gh(...words: string[]): Promise<Finished & { readonly requests: readonly string[] }> {
  runs += 1;
  const log = join(scratch.root, `events-${runs}`);
  const finished = await openshell(['run', ...options, '--events', log, '--', 'gh', ...words], {
    ...{ cwd: scratch.project, home: scratch.home, env: { GH_TOKEN: TOKEN } },
  });
  const requests = eventsOf(log).flatMap(({ subject, action, reason }) =>
    subject.kind === 'request' ? [`${action} ${subject.method} ${subject.path} ${reason}`] : [],
  );
  return { ...finished, requests };
}

describe.skipIf(lacking.length > 0)(`gh${because(lacking)}`, () => {
  it.each([
    ['reads', ['api', 'repos/acme/tool'], 'GET', '/repos/acme/tool'],
    [
      'writes what it may',
      ['api', 'repos/acme/tool/issues/7/comments', '-f', 'body=hello'],
      'POST',
      '/repos/acme/tool/issues/7/comments',
    ],
  ])('%s', async (_what, words, method, path) => {
    const done = await gh(...words);
    expect(done).toMatchObject({ code: 0, stdout: '{"full_name":"acme/tool"}', stderr: '' });
    expect(done.requests).toEqual([`allow ${method} ${path} allowed`]);
    expect(server.asked).toEqual([`${method} api.github.com ${path}`]);
    expect(authorised).toEqual([`token ${TOKEN}`]);
  });

  it('asks queries of GraphQL', async () => {
    const done = await gh('issue', 'list', '-R', 'acme/tool');
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toContain('It breaks');
    expect(new Set(done.requests)).toEqual(new Set(['allow POST /graphql allowed']));
    expect(new Set(authorised)).toEqual(new Set([`token ${TOKEN}`]));
  });

  it.each([
    ['a method', ['api', '-X', 'DELETE', 'repos/acme/tool'], 'DELETE /repos/acme/tool request_not_allowed'],
    [
      'a path that a deny rule is about',
      ['api', 'repos/acme/tool/actions/secrets/KEY'],
      'GET /repos/acme/tool/actions/secrets/KEY request_denied_by_rule',
    ],
    [
      'a mutation of GraphQL',
      ['api', 'graphql', '-f', 'query=mutation { deleteIssue(input: {issueId: "7"}) { clientMutationId } }'],
      'POST /graphql request_not_allowed',
    ],
    ['a path that no endpoint is about', ['api', 'user'], 'GET /user request_not_allowed'],
  ])('is told why it may not ask for %s', async (_what, words, refused) => {
    const done = await gh(...words);
    expect(done.code).toBe(1);
    expect(JSON.parse(done.stdout)).toMatchObject({
      error: 'policy_denied',
      host: 'api.github.com',
      policy: 'github',
    });
    expect(done.stderr).toContain('HTTP 403');
    expect(done.requests).toEqual([`deny ${refused}`]);
    expect(server.asked).toEqual([]);
    expect(`${done.stdout}${done.stderr}`).not.toContain(TOKEN);
  });
});
