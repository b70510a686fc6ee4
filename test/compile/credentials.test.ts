import { describe, expect, it } from 'vitest';
import { fillEnvironment } from '../../src/compile/environment.ts';
import type { GivenCredential, OperatorRequest } from '../../src/compile/input.ts';
import { compiled, tryCompile } from './compiled.ts';
import { pretendedHost } from './pretended-host.ts';

const policy = (endpoint: string): string =>
  [
    'version: 1',
    'network_policies:',
    '  api:',
    '    endpoints:',
    `      - {host: api.example.com, port: 443, ${endpoint}}`,
    '    binaries: [{path: /usr/bin/curl}]',
    '',
  ].join('\n');
const BOUND = policy('credential_binding: {provider: one}');
const ONE: GivenCredential = { provider: 'one', variables: ['TOKEN'], file: null };
const give = (...credentials: GivenCredential[]): { operator: Partial<OperatorRequest> } => ({
  operator: { credentials },
});
const messages = (text: string, asked: Parameters<typeof tryCompile>[1]): string[] =>
  tryCompile(text, asked).problems.map(({ message, line }) => `${line ?? '-'}: ${message}`);

describe('a binding', () => {
  it('is in the plan, with where the credential may stand', () => {
    const inspection = (endpoint: string) =>
      compiled(policy(endpoint), give(ONE)).egress.policies[0]?.endpoints[0]?.inspection;
    expect(inspection('credential_binding: {provider: one}')).toMatchObject({
      protocol: 'rest',
      credential: {
        provider: 'one',
        headers: ['x-api-key'],
        bodies: false,
        websocket: false,
        cleartext: false,
        uninspected: false,
        signing: null,
      },
    });
    expect(
      inspection(
        'protocol: rest, access: full, request_body_credential_rewrite: true, allow_uninspected_credentials: true, credential_binding: {provider: one, headers: [PRIVATE-TOKEN, authorization, private-token], cleartext: true}',
      ),
    ).toMatchObject({
      credential: { headers: ['private-token'], bodies: true, cleartext: true, uninspected: true },
    });
    expect(
      inspection('tls: skip, allow_uninspected_credentials: true, credential_binding: {provider: one}'),
    ).toBeNull();
  });

  it('may sign', () => {
    const keys = { ...ONE, variables: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] };
    const text = policy(
      'protocol: rest, access: full, credential_signing: "sigv4:body", signing_service: s3, signing_region: eu-1, credential_binding: {provider: one}',
    );
    expect(
      compiled(text, give(keys)).egress.policies[0]?.endpoints[0]?.inspection?.credential?.signing,
    ).toEqual({
      payload: 'signed',
      service: 's3',
      region: 'eu-1',
    });
    expect(messages(text, give(ONE))).toEqual([
      '5: network_policies.api: `credential_signing` needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, which the credential `one` does not have',
    ]);
    const unbound = policy('protocol: rest, access: full, credential_signing: sigv4, signing_service: s3');
    expect(messages(unbound, {})).toEqual([
      '5: network_policies.api: `credential_signing` has no credential to sign with',
    ]);
  });

  it('and the command line must agree', () => {
    expect(messages(BOUND, give())).toEqual([
      '5: network_policies.api: the provider `one` is bound here, and no credential of that name was given',
    ]);
    expect(messages(BOUND, give(ONE, { ...ONE, provider: 'two', variables: ['B'] }))).toEqual([
      '-: the credential `two` is bound to no endpoint',
    ]);
    expect(messages(BOUND, {})).toEqual([]);
    expect(tryCompile(null, give(ONE)).problems[0]?.message).toBe(
      'the credential `one` is bound to no endpoint',
    );
  });
});

describe('the variable of a placeholder', () => {
  it('never takes the value of the caller, and equal plans are equal', () => {
    const plan = compiled(BOUND, give(ONE));
    expect(plan).toEqual(compiled(BOUND, give(ONE)));
    expect(plan.environment.find(({ name }) => name === 'TOKEN')).toEqual({
      name: 'TOKEN',
      value: null,
      credential: true,
    });
    const caller = { TOKEN: 'the real one', LANG: 'C' };
    const filled = fillEnvironment(plan.environment, caller);
    expect(filled).toContain('LANG=C');
    expect(filled.join()).not.toContain('TOKEN');
    expect(fillEnvironment(plan.environment, caller, null, new Map([['TOKEN', 'placeholder']]))).toContain(
      'TOKEN=placeholder',
    );
  });

  it('that stands for a token of Google Cloud comes with those that name a metadata server', () => {
    const plan = compiled(BOUND, give({ ...ONE, variables: ['GCP_SA_ACCESS_TOKEN'] }));
    expect(fillEnvironment(plan.environment, {})).toContain('GCE_METADATA_HOST=127.0.0.1:3128');
    expect(fillEnvironment(compiled(BOUND, give(ONE)).environment, {}).join()).not.toContain('GCE_');
  });

  it('is nobody else’s', () => {
    expect(messages(BOUND, { operator: { credentials: [ONE], environment: ['TOKEN'] } })).toEqual([
      '-: the credential `one` and something else both set the variable TOKEN',
    ]);
    expect(messages(BOUND, give({ ...ONE, variables: ['PATH'] }))[0]).toContain('both set the variable PATH');
  });
});

describe('a credential file', () => {
  const at = '/home/dev/project/secret';
  const extra = { [at]: { kind: 'file', canonical: at, links: [], uid: 1000, gid: 1000 } } as const;
  const facts = pretendedHost({ extra });
  const given = { ...give({ ...ONE, file: at }), facts };

  it('is hidden', () => {
    const mount = compiled(BOUND, given).mounts.findLast(({ target }) => target === at);
    expect(mount).toMatchObject({ kind: 'file', content: '', mode: 0 });
  });

  it('that cannot be hidden stops the start', () => {
    const operator = { ...given.operator, tier: 'platform' as const };
    expect(messages(BOUND, { operator, facts }).join()).toContain('the platform tier cannot hide it there');
  });

  it('is not reached by a link that the program could replace', () => {
    const link = { at: '/home/dev/project/link', text: 'secret' };
    const linked = pretendedHost({ extra: { ...extra, [link.at]: { ...extra[at], links: [link] } } });
    const operator = give({ ...ONE, file: link.at }).operator;
    expect(messages(BOUND, { operator, facts: linked }).join()).toContain('the program could replace');
  });
});
