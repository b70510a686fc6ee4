import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { REASONS } from '../../src/event/event.ts';
import { REFUSALS, type RefusalFacts, type RefusalKind, refusalOf } from '../../src/event/refusal.ts';

const FACTS: RefusalFacts = {
  kind: 'endpoint_not_listed',
  detail: 'CONNECT a.test:443 not permitted by policy',
  reason: 'because',
  rule: { policy: 'git', index: 2, line: 9 },
  method: 'CONNECT',
  path: null,
  host: 'api.a-b.test',
  port: 8443,
  binary: '/usr/bin/curl',
  address: null,
};

/** The YAML that a step holds, after its first line. */
const yamlIn = (step: string): unknown => parse(step.slice(step.indexOf('\n') + 1));

describe('the table of refusals', () => {
  const rows = Object.values(REFUSALS);

  it('gives each refusal a code of its own and a reason of the closed list', () => {
    expect(new Set(rows.map(({ code }) => code)).size).toBe(rows.length);
    for (const { code, reason, status } of rows) {
      expect(code).toMatch(/^OSH-EGR-\d{3}$/);
      expect(REASONS).toContain(reason);
      expect(status).toBeGreaterThanOrEqual(400);
    }
  });

  it('is the table of docs/denials.md', () => {
    const text = readFileSync('docs/denials.md', 'utf8');
    const documented = [...text.matchAll(/^\| `(OSH-EGR-\d+)` \| (\d+) \| `(\w+)` \| `(\w+)` \| (.*) \|$/gm)];
    expect(documented.map(([, ...cells]) => cells)).toEqual(
      rows.map((row) => [row.code, String(row.status), row.error, row.reason, row.meaning]),
    );
  });

  it('keeps the codes that were given: they never change their meaning', () => {
    expect(Object.entries(REFUSALS).map(([kind, { code }]) => `${code.slice(-3)} ${kind}`)).toEqual([
      '001 network_off',
      '002 no_policies',
      '003 endpoint_not_listed',
      '004 binary_not_listed',
      '005 binary_changed',
      '006 identity_unavailable',
      '007 special_address',
      '008 address_not_listed',
      '009 control_plane_port',
      '010 name_not_resolved',
      '011 upstream_unreachable',
      '012 malformed_destination',
      '013 unsupported_scheme',
      '014 malformed_request',
      '015 authority_mismatch',
      '016 request_too_large',
      '017 request_timeout',
      '018 expectation_failed',
      '019 unsupported_protocol',
      '020 too_many_connections',
      '021 invalid_upstream_response',
      '022 request_not_allowed',
      '023 request_denied_by_rule',
      '024 path_invalid',
      '025 query_invalid',
      '040 body_too_large',
      '041 graphql_invalid',
      '042 json_rpc_invalid',
      '043 mcp_invalid',
      '044 mcp_method_not_allowed',
      '045 mcp_version_unsupported',
      '046 mcp_version_not_allowed',
      '047 grpc_invalid',
      '048 too_many_bodies',
      '060 guardrail_denied',
      '061 guardrail_failed',
      '080 credential_endpoint_mismatch',
      '081 credential_unavailable',
      '082 credential_not_placeable',
      '083 credential_cleartext',
      '084 credential_placeholder_in_request_body',
      '085 credential_token_failed',
      '086 credential_body_unreadable',
    ]);
  });
});

describe('refusalOf', () => {
  it('has every key of the documented shape, in every case', () => {
    const keys = [
      'error',
      'detail',
      'reason',
      'policy',
      'rule',
      'layer',
      'method',
      'path',
      'host',
      'port',
      'binary',
      'code',
      'line',
      'next_steps',
    ];
    const nothing = {
      rule: null,
      method: null,
      path: null,
      host: null,
      port: null,
      binary: null,
      address: null,
    };
    for (const kind of Object.keys(REFUSALS) as RefusalKind[]) {
      for (const facts of [
        { ...FACTS, kind },
        { ...FACTS, ...nothing, kind },
      ]) {
        const refusal = refusalOf(facts);
        expect(Object.keys(refusal)).toEqual(keys);
        expect(refusal.next_steps.length).toBeGreaterThan(0);
        expect(refusal.next_steps.join()).not.toMatch(/undefined/);
      }
    }
  });

  it('says where the rule stands', () => {
    expect(refusalOf(FACTS)).toMatchObject({
      policy: 'git',
      rule: 'network_policies.git.endpoints[2]',
      line: 9,
    });
    expect(refusalOf({ ...FACTS, rule: { policy: 'git', index: null, line: null } }).rule).toBe(
      'network_policies.git',
    );
  });

  it('gives lines of YAML that allow exactly what was asked', () => {
    const [step] = refusalOf(FACTS).next_steps;
    expect(yamlIn(step!)).toEqual({
      network_policies: {
        api_a_b_test: {
          endpoints: [{ host: 'api.a-b.test', port: 8443 }],
          binaries: [{ path: '/usr/bin/curl' }],
        },
      },
    });
  });

  it.each(['10.0.0.1', '::1', ''])('gives valid YAML for the host %j', (host) => {
    const [step] = refusalOf({ ...FACTS, host }).next_steps;
    const [policy] = Object.values(
      (yamlIn(step!) as { network_policies: Record<string, unknown> }).network_policies,
    );
    expect(policy).toMatchObject({ endpoints: [{ host }] });
  });

  it.each(['/tmp/a: b # c', '/tmp/"quoted"', "/tmp/'", '/tmp/ü', '/tmp/- x'])(
    'quotes the path %s',
    (binary) => {
      const [step] = refusalOf({ ...FACTS, kind: 'binary_not_listed', binary }).next_steps;
      expect(yamlIn(step!)).toEqual({ network_policies: { git: { binaries: [{ path: binary }] } } });
    },
  );

  it.each(['/tmp/*', '/tmp/[a]', '/tmp/{a,b}', '/tmp/\u001b[2J', '/tmp/a\nb', '/tmp/\u202ex'])(
    'does not offer the path %j, which a policy would read as something else',
    (binary) => {
      for (const kind of ['binary_not_listed', 'endpoint_not_listed'] as const)
        expect(refusalOf({ ...FACTS, kind, binary }).next_steps.join()).not.toContain(binary);
    },
  );

  it('offers allowed_ips for an internal address, and an exact name', () => {
    const address = { text: '10.0.0.7', class: 'private' } as const;
    const steps = refusalOf({ ...FACTS, kind: 'special_address', address }).next_steps;
    expect(steps).toHaveLength(2);
    expect(yamlIn(steps[0]!)).toEqual({ allowed_ips: ['10.0.0.7/32'] });
    expect(yamlIn(steps[1]!)).toHaveProperty('network_policies.api_a_b_test');
  });

  it.each([
    ['169.254.169.254', '--connect-to api.a-b.test:8443:169.254.169.254:8443'],
    ['::1', '--connect-to api.a-b.test:8443:[::1]:8443'],
  ])('offers only --connect-to for %s', (text, flag) => {
    const address = { text, class: 'never' } as const;
    const steps = refusalOf({ ...FACTS, kind: 'special_address', address }).next_steps.join('\n');
    expect(steps).toContain(flag);
    expect(steps).not.toContain('allowed_ips');
  });
});
