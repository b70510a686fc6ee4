import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainRequest } from '../../src/compile/explain-request.ts';
import { compiled, tryCompile } from './compiled.ts';

const POLICY = `version: 1
network_policies:
  api:
    endpoints:
      - host: api.test
        port: 443
        protocol: rest
        rules:
          - allow: { method: GET, path: "/v1/**" }
          - allow: { method: POST, path: /v1/items }
        deny_rules:
          - { method: "*", path: "/v1/secret/**" }
      - { host: audit.test, port: 8443, protocol: rest, access: read-only, enforcement: audit }
      - { host: "fd00::1", port: 80, protocol: rest, access: read-only }
      - { host: graph.test, port: 443, protocol: graphql, access: read-only }
    binaries: [/usr/bin/curl]
  whole:
    endpoints: [{ host: whole.test, port: 443 }]
    binaries: [/usr/bin/git]
`;
const { egress } = compiled(POLICY);

function ask(request: string, binary: string | null = null): string {
  const [method, url] = request.split(' ') as [string, string];
  const answer = explainRequest(egress, { method, url, binary });
  if (!answer.ok) return `error: ${answer.error}`;
  const { verdict, rule } = answer.value;
  return `${verdict}${rule === null ? '' : ` ${rule.policy}:${rule.line}`}`;
}

describe('explainRequest', () => {
  it.each([
    ['GET https://api.test/v1/x', 'allow api:9'],
    ['get HTTPS://API.test:443/v1/x?a=b', 'allow api:9'],
    ['HEAD https://api.test/v1/x', 'allow api:9'],
    ['POST https://api.test/v1/items', 'allow api:10'],
    ['PUT https://api.test/v1/items', 'deny api:5'],
    ['GET https://api.test/v1/secret/x', 'deny api:12'],
    ['GET https://api.test/v1/%2e%2e/x', 'deny api:5'],
    ['GET https://api.test/v1/a%2Fb', 'deny api:5'],
    ['GET https://api.test/../x', 'deny'],
    ['GET https://api.test?x=y', 'deny api:5'],
    ['GET http://api.test/v1/x', 'deny api:5'],
    ['DELETE https://audit.test:8443/x', 'audit api:13'],
    ['GET http://[fd00::1]/', 'allow api:14'],
    ['DELETE https://whole.test/anything', 'allow whole:18'],
    ['GET https://other.test/', 'deny'],
    ['CONNECT https://api.test/v1/x', 'deny'],
    [
      'POST https://graph.test/graphql',
      'error: is judged by what its body asks for (protocol graphql), which is not part of the question',
    ],
    ['GET ftp://api.test/', 'error: is no http or https URL'],
    ['GET https://me@api.test/', 'error: is no http or https URL'],
    ['GET https://api.test:99999/', 'error: has a port outside 1 to 65535'],
  ])('%s: %s', (request, expected) => {
    expect(ask(request)).toBe(expected);
  });

  it('asks for a program that is named', () => {
    expect(ask('GET https://api.test/v1/x', '/usr/bin/curl')).toBe('allow api:9');
    expect(ask('GET https://api.test/v1/x', '/usr/bin/git')).toBe('deny api:5');
  });

  it('answers whatever is asked', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string({ unit: 'binary' }), (method, url, rest) => {
        explainRequest(egress, { method, url, binary: null });
        explainRequest(egress, { method, url: `https://api.test/${rest}`, binary: rest });
      }),
    );
  });
});

describe('expectations of requests', () => {
  const problems = (entry: string): readonly string[] =>
    tryCompile(`${POLICY}expect:\n  - ${entry}\n`).problems.map(({ message }) => message);

  it('holds what comes true', () => {
    expect(problems('{ request: "GET https://api.test/v1/x", verdict: allow, rule: api }')).toEqual([]);
    expect(problems('{ request: "PUT https://audit.test:8443/v1/x", verdict: allow }')).toEqual([]);
    expect(problems('{ request: "GET https://api.test/x", verdict: deny }')).toEqual([]);
  });

  it('refuses a policy that misses one', () => {
    expect(problems('{ request: "PUT https://api.test/v1/x", verdict: allow }')).toEqual([
      'expect[0] (request PUT https://api.test/v1/x) should be allowed, and is not: no rule of policy `api` allows PUT `/v1/x`',
    ]);
    expect(
      problems('{ request: "GET https://api.test/v1/x", binary: /usr/bin/git, verdict: allow }'),
    ).toHaveLength(1);
    expect(problems('{ request: "GET https://api.test/v1/x", verdict: allow, rule: whole }')).toHaveLength(1);
    expect(problems('{ request: "GET https://api.test/v1/x", verdict: deny }')).toHaveLength(1);
    expect(problems('{ request: "POST https://graph.test/", verdict: deny }')).toEqual([
      'expect[0] (request POST https://graph.test/) cannot be tried: it is judged by what its body asks for (protocol graphql), which is not part of the question',
    ]);
  });
});
