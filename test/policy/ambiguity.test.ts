import { describe, expect, it, vi } from 'vitest';
import { parsePolicy } from '../../src/policy/check.ts';

// Much work on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

function policyOf(endpoints: readonly string[]): string {
  const lines = endpoints.map(
    (endpoint, i) => `  p${i}:\n    endpoints: [${endpoint}]\n    binaries: [/**]\n`,
  );
  return `version: 1\nnetwork_policies:\n${lines.join('')}`;
}

const errorsOf = (endpoints: readonly string[]) =>
  parsePolicy(policyOf(endpoints)).issues.filter(({ severity }) => severity === 'error');

const REST = 'protocol: rest, enforcement: enforce, access: full';

describe('endpoints that overlap', () => {
  it.each([
    ['tls', '{host: a.example.com, port: 443, tls: skip}', '{host: a.example.com, port: 443}'],
    [
      'tls',
      '{host: a.example.com, ports: [1, 443], tls: skip}',
      '{host: "*.example.com", ports: [443, 444]}',
    ],
    [
      'allowed_ips',
      '{host: a.example.com, port: 443, allowed_ips: [10.1.0.0/16]}',
      '{host: a.example.com, port: 443}',
    ],
    ['protocol: tcp', '{host: a.example.com, port: 443, protocol: tcp}', '{host: a.example.com, port: 443}'],
    [
      'protocol',
      `{host: a.example.com, port: 443, ${REST}}`,
      '{host: a.example.com, port: 443, protocol: graphql, enforcement: enforce, access: full}',
    ],
    [
      'enforcement',
      `{host: a.example.com, port: 443, ${REST}}`,
      '{host: a.example.com, port: 443, protocol: rest, enforcement: audit, access: full}',
    ],
    [
      'allow_encoded_slash',
      `{host: a.example.com, port: 443, ${REST}}`,
      `{host: a.example.com, port: 443, allow_encoded_slash: true, ${REST}}`,
    ],
    [
      'request_body_credential_rewrite',
      `{host: a.example.com, port: 443, ${REST}}`,
      `{host: a.example.com, port: 443, request_body_credential_rewrite: true, ${REST}}`,
    ],
    [
      'credential_signing',
      `{host: a.example.com, port: 443, ${REST}}`,
      `{host: a.example.com, port: 443, credential_signing: sigv4, signing_service: s3, ${REST}}`,
    ],
    [
      'signing_service',
      `{host: a.example.com, port: 443, credential_signing: sigv4, signing_service: s3, ${REST}}`,
      `{host: a.example.com, port: 443, credential_signing: sigv4, signing_service: sqs, ${REST}}`,
    ],
    [
      'credential_binding.provider',
      '{host: a.example.com, port: 443, credential_binding: {provider: one}}',
      '{host: a.example.com, port: 443, credential_binding: {provider: two}}',
    ],
    [
      'max_body_bytes',
      '{host: a.example.com, port: 443, protocol: graphql, enforcement: enforce, access: full}',
      '{host: a.example.com, port: 443, protocol: graphql, enforcement: enforce, access: full, graphql_max_body_bytes: 5}',
    ],
    [
      'mcp.strict_tool_names',
      '{host: a.example.com, port: 443, protocol: mcp, enforcement: enforce, mcp: {allow_all_known_mcp_methods: true}}',
      '{host: a.example.com, port: 443, protocol: mcp, enforcement: enforce, mcp: {allow_all_known_mcp_methods: true, strict_tool_names: false}}',
    ],
    [
      'GraphQL rules',
      '{host: a.example.com, port: 443, protocol: websocket, enforcement: enforce, access: full}',
      '{host: a.example.com, port: 443, protocol: websocket, enforcement: enforce, rules: [{allow: {operation_type: query}}]}',
    ],
  ])('and differ in %s are refused, in either order', (name, a, b) => {
    for (const endpoints of [
      [a, b],
      [b, a],
    ]) {
      const errors = errorsOf(endpoints);
      expect(errors.map(({ code }) => code)).toEqual(['ambiguous_endpoints']);
      expect(errors[0]!.message).toContain(`\`${name}\` is`);
      expect(errors[0]!.path).toBe('network_policies.p1.endpoints[0].host');
    }
  });

  it.each([
    ['ports', '{host: a.example.com, port: 443, tls: skip}', '{host: a.example.com, port: 444}'],
    ['hosts', '{host: "*.example.com", port: 443, tls: skip}', '{host: example.com, port: 443}'],
    [
      'paths',
      `{host: a.example.com, port: 443, path: /one, ${REST}}`,
      '{host: a.example.com, port: 443, path: /two, protocol: graphql, enforcement: enforce, access: full}',
    ],
    [
      'how specific their paths are',
      `{host: a.example.com, port: 443, path: /one/**, ${REST}}`,
      '{host: a.example.com, port: 443, path: /one/two, protocol: graphql, enforcement: enforce, access: full}',
    ],
    [
      'that one is not inspected',
      '{host: a.example.com, port: 443}',
      `{host: "*.example.com", port: 443, ${REST}}`,
    ],
    [
      'that one is about datagrams',
      '{host: a.example.com, port: 443, protocol: udp}',
      '{host: a.example.com, port: 443, tls: skip}',
    ],
    [
      'rules only',
      `{host: a.example.com, port: 443, ${REST}}`,
      '{host: a.example.com, port: 443, protocol: rest, enforcement: enforce, rules: [{allow: {method: GET, path: /x}}]}',
    ],
  ])('but are kept apart by %s are accepted', (_, a, b) => {
    expect(errorsOf([a, b])).toEqual([]);
    expect(errorsOf([b, a])).toEqual([]);
  });

  it('may not put MCP beside another inspected protocol on one host and port, whatever the paths are', () => {
    const mcp =
      '{host: a.example.com, port: 443, path: /mcp, protocol: mcp, enforcement: enforce, mcp: {allow_all_known_mcp_methods: true}}';
    const other = (protocol: string) =>
      `{host: a.example.com, port: 443, path: /x, protocol: ${protocol}, enforcement: enforce, rules: [{allow: {method: x}}]}`;
    expect(errorsOf([mcp, other('json-rpc')]).map(({ code }) => code)).toEqual(['ambiguous_endpoints']);
    expect(errorsOf([mcp, '{host: a.example.com, port: 443}'])).toEqual([]);
  });

  it('are found however many other endpoints there are', () => {
    const many = Array.from(
      { length: 3000 },
      (_, i) => `{host: "*.h${i}.example.com", port: 443, allowed_ips: [10.${i % 200}.0.0/16]}`,
    );
    expect(errorsOf(many)).toEqual([]);
    const errors = errorsOf([...many, '{host: a.h17.example.com, port: 443}']);
    expect(errors.map(({ code }) => code)).toEqual(['ambiguous_endpoints']);
  });

  it('are refused when there are so many that they cannot be compared', () => {
    const many = Array.from(
      { length: 4000 },
      (_, i) => `{host: "h${i}-*.example.com", port: 443, allowed_ips: [10.${i % 200}.0.0/16]}`,
    );
    expect(errorsOf(many).map(({ code }) => code)).toEqual(['ambiguity_unchecked']);
  });

  it('are reported a limited number of times', () => {
    const many = Array.from(
      { length: 100 },
      (_, i) => `{host: a.example.com, port: 443, allowed_ips: [10.${i}.0.0/16]}`,
    );
    expect(errorsOf(many)).toHaveLength(20);
  });
});
