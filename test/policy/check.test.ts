import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../src/policy/check.ts';
import type { Endpoint, Policy } from '../../src/policy/policy.ts';
import { corpus } from './corpus.ts';

function valid(text: string): Policy {
  const { policy, issues } = parsePolicy(text);
  expect(issues.filter(({ severity }) => severity === 'error')).toEqual([]);
  return policy!;
}

function endpoint(fields: string): Endpoint {
  const text = `version: 1\nnetwork_policies:\n  a:\n    endpoints: [{host: a.example.com, port: 443, ${fields}}]\n    binaries: [/**]\n`;
  return valid(text).network[0]!.endpoints[0]!;
}

const textOf = (name: string): string => corpus('good').find((file) => file.name === `good/${name}`)!.text;

describe('a valid policy', () => {
  it('that says nothing has the values that hold without a word', () => {
    expect(valid('version: 1\n')).toEqual({
      version: 1,
      filesystem: null,
      landlock: { compatibility: 'best_effort' },
      process: { runAsUser: null, runAsGroup: null, netlink: null, seccompAllow: [] },
      network: [],
      middlewares: [],
      limits: { processes: null, openFiles: null, memory: null, cpuTime: null, wallTime: null, disk: null },
      dns: { pin: 'connect' },
      expect: [],
    });
  });

  it('keeps paths as they are written, with their places', () => {
    const { filesystem } = valid(
      `version: 1\nfilesystem_policy:\n  read_only:\n    - "~/.config//x/"\n    - \${WORKDIR}/a\n`,
    );
    expect(filesystem).toEqual({
      span: { line: 3, column: 3, length: 10 },
      includeWorkdir: false,
      readOnly: [
        { value: '~/.config//x/', span: { line: 4, column: 7, length: 15 } },
        { value: `\${WORKDIR}/a`, span: { line: 5, column: 7, length: 12 } },
      ],
      readWrite: [],
      deny: [],
      protect: [],
    });
  });

  it('has our extensions in bytes and milliseconds', () => {
    const policy = valid(textOf('extensions'));
    const values = Object.fromEntries(Object.entries(policy.limits).map(([key, at]) => [key, at?.value]));
    expect(values).toEqual({
      processes: 256,
      openFiles: 4096,
      memory: 2 * 1024 ** 3,
      cpuTime: 600_000,
      wallTime: 3_600_000,
      disk: 512 * 1024 ** 2,
    });
    expect(policy.dns.pin).toBe('start');
    expect(policy.process.netlink?.value).toBe('route');
    expect(policy.process.runAsUser?.value).toBe('1000');
    expect(policy.process.seccompAllow).toHaveLength(7);
    expect(policy.network[0]!.binaries).toMatchObject([
      { path: '/usr/bin/git', ancestors: true, sha256: null },
      {
        path: '/usr/bin/gh',
        ancestors: false,
        sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      },
    ]);
  });

  it('has its expectations in canonical spelling', () => {
    expect(
      valid(textOf('extensions')).expect.map(({ subject, verdict, rule }) => ({ ...subject, verdict, rule })),
    ).toEqual([
      {
        kind: 'connect',
        host: 'api.github.com',
        port: 443,
        binary: '/usr/bin/git',
        verdict: 'allow',
        rule: 'github',
      },
      { kind: 'connect', host: '2001:db8::1', port: 443, binary: null, verdict: 'deny', rule: null },
      { kind: 'read', path: '~/.ssh/id_ed25519', verdict: 'deny', rule: null },
      { kind: 'write', path: `\${WORKDIR}/main.c`, verdict: 'allow', rule: null },
      { kind: 'syscall', call: 'socket(AF_PACKET, SOCK_RAW|SOCK_CLOEXEC, 0x3)', verdict: 'deny', rule: null },
      { kind: 'syscall', call: 'ptrace()', verdict: 'allow', rule: null },
      {
        kind: 'request',
        method: 'POST',
        url: 'https://api.github.com/graphql?x=1',
        binary: null,
        verdict: 'deny',
        rule: null,
      },
    ]);
  });

  it('has sorted ports, canonical hosts and blocks, and the order of the file', () => {
    const { network } = valid(textOf('old-openshell'));
    expect(network.map(({ key, name, index }) => [key, name, index])).toEqual([
      ['legacy', 'legacy', 0],
      ['nobody', 'nobody', 1],
      ['nothing', 'nothing', 2],
    ]);
    const [first, ...rest] = network[0]!.endpoints;
    expect(first).toMatchObject({
      host: { value: 'api.example.com' },
      hostKind: 'name',
      ports: [443, 8443],
      tlsSkip: false,
    });
    expect(rest.at(-5)!.allowedIps.map(({ value }) => value)).toEqual(['10.0.0.0/8', '10.9.0.0/16']);
    expect(rest.at(-1)).toMatchObject({ host: { value: '2001:db8::1' }, hostKind: 'address' });
  });

  it('has the rules of every protocol', () => {
    const { network } = valid(textOf('protocols'));
    const rules = (policy: string, at = 0) => network.find(({ key }) => key === policy)!.endpoints[at]!;
    expect(rules('rest').rules![1]).toMatchObject({
      index: 1,
      method: 'POST',
      path: '/v1/search',
      query: [
        { name: 'lang', matcher: { anyOf: ['en', 'de'] } },
        { name: 'version', matcher: { anyOf: ['1.*'] } },
        { name: 'q', matcher: { anyOf: ['**'] } },
      ],
    });
    expect(rules('rest').denyRules![1]).toMatchObject({ index: 1, method: 'DELETE', path: null, query: [] });
    expect(rules('graphql')).toMatchObject({
      path: { value: '/graphql' },
      persistedQueries: 'allow_registered',
      graphqlPersistedQueries: [
        { id: '4f2a', operationType: 'query', operationName: 'Viewer', fields: ['viewer'] },
      ],
    });
    expect(rules('graphql').rules![0]).toMatchObject({
      operationType: 'query',
      operationName: null,
      fields: ['viewer', 'repository*'],
    });
    expect(rules('mcp')).toMatchObject({
      maxBodyBytes: 262_144,
      mcp: { strictToolNames: true, allowAllKnownMethods: true, versions: ['2025-03-26', '2025-11-25'] },
    });
    expect(rules('mcp').rules!.map(({ tool }) => tool)).toEqual([
      { anyOf: ['search_web'] },
      { anyOf: ['read_file', 'list_*'] },
    ]);
    expect(rules('mcp', 1)).toMatchObject({ maxBodyBytes: null, mcp: { versions: ['2025-11-25'] } });
    expect(rules('grpc').rules![0]).toMatchObject({ service: 'helloworld.Greeter', method: 'SayHello' });
    expect(rules('database').rules![0]).toMatchObject({ command: 'SELECT' });
    expect(rules('websocket', 1).maxBodyBytes).toBe(131_072);
    expect(rules('plain', 5)).toMatchObject({ host: { value: '' }, hostKind: 'any' });
  });

  it('is frozen through and through', () => {
    const { policy, issues } = parsePolicy(textOf('protocols'));
    const seen = new Set<unknown>();
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null || seen.has(value)) return;
      seen.add(value);
      expect(Object.isFrozen(value)).toBe(true);
      expect(Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype).toBe(true);
      for (const inner of Object.values(value)) walk(inner);
    };
    walk(policy);
    walk(issues);
    expect(seen.size).toBeGreaterThan(200);
  });

  it('is the same from JSON as from YAML', () => {
    const yaml =
      'version: 1\nnetwork_policies:\n  a:\n    endpoints: [{host: a.example.com, port: 443}]\n    binaries: [{path: /usr/bin/curl}]\n';
    const json = JSON.stringify({
      version: 1,
      network_policies: {
        a: { endpoints: [{ host: 'a.example.com', port: 443 }], binaries: [{ path: '/usr/bin/curl' }] },
      },
    });
    expect(withoutSpans(valid(json))).toEqual(withoutSpans(valid(yaml)));
  });
});

const withoutSpans = (policy: Policy): unknown =>
  JSON.parse(JSON.stringify(policy, (key, value) => (key === 'span' ? undefined : value)));

describe('what is inspected', () => {
  it.each([
    ['protocol: tcp', null],
    ['protocol: udp', null],
    ['tls: skip', null],
    ['allowed_ips: [10.1.0.0/16]', null],
    ['path: /x', null],
    ['protocol: rest, access: full', 'protocol: rest'],
    ['protocol: grpc, access: full, credential_binding: {provider: x}', 'protocol: grpc'],
    ['protocol: sql, access: full', 'protocol: sql'],
    ['access: read-only', 'access: read-only'],
    ['rules: [{allow: {method: GET, path: /x}}]', 'rules'],
    ['credential_binding: {provider: x}', 'credential_binding'],
    [
      'tls: skip, credential_binding: {provider: x}, allow_uninspected_credentials: true',
      'credential_binding',
    ],
  ])('%s: %s', (fields, because) => {
    expect(endpoint(fields).inspectedBecause?.value ?? null).toBe(because);
  });

  it('reads access without a protocol as rest', () => {
    expect(endpoint('access: read-only').protocol?.value).toBe('rest');
    expect(endpoint('credential_binding: {provider: x}').protocol).toBeNull();
  });
});

describe('enforcement', () => {
  it.each([
    ['protocol: rest, access: full', 'enforce', ['enforcement_default']],
    ['protocol: rest, access: full, enforcement: audit', 'audit', []],
    ['protocol: rest, access: full, enforcement: enforce', 'enforce', []],
    ['protocol: sql, access: full', 'audit', ['not_inspected']],
    ['tls: skip', 'enforce', []],
  ])('of %s is %s', (fields, enforcement, codes) => {
    const text = `version: 1\nnetwork_policies:\n  a:\n    endpoints: [{host: a.example.com, port: 443, ${fields}}]\n    binaries: [/**]\n`;
    const { policy, issues } = parsePolicy(text);
    expect(policy!.network[0]!.endpoints[0]!.enforcement).toBe(enforcement);
    expect(issues.map(({ code }) => code)).toEqual(codes);
  });
});

describe('complaints', () => {
  it('are sorted by their place, and all told at once', () => {
    const { policy, issues } = parsePolicy(
      'dns: {pin: x}\nlandlock: {compatibility: y}\nversion: 3\nzzz: 1\n',
    );
    expect(policy).toBeNull();
    expect(issues.map(({ code, span }) => [span?.line, code])).toEqual([
      [1, 'unknown_value'],
      [2, 'unknown_value'],
      [3, 'out_of_range'],
      [4, 'unknown_key'],
    ]);
  });

  it('are the same each time', () => {
    for (const { text } of corpus('bad')) expect(parsePolicy(text)).toEqual(parsePolicy(text));
  });
});
