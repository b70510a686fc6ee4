import { expect, it } from 'vitest';
import { answerMetadata, type MetadataFacts } from '../../src/inject/metadata.ts';

const FACTS: MetadataFacts = { token: 'openshell:resolve:env:x', email: 'a@b.test', projectId: 'project-1' };
const V1 = '/computeMetadata/v1';
const ACCOUNTS = `${V1}/instance/service-accounts`;

function ask(
  target: string,
  headers: Record<string, string> = {},
  method = 'GET',
  facts = FACTS,
): string | null {
  const answer = answerMetadata(
    { method, target, headers: { 'metadata-flavor': 'Google', ...headers } },
    facts,
  );
  return answer === null ? null : `${answer.status} ${answer.body}`;
}

it.each([
  ['/', '200 computeMetadata/\n'],
  ['/computeMetadata', '200 computeMetadata/\n'],
  [`${V1}/`, '200 computeMetadata/\n'],
  [`${V1}/instance`, '200 service-accounts/\n'],
  [`${V1}/instance/`, '200 service-accounts/\n'],
  [`${V1}/project/project-id`, '200 project-1'],
  [ACCOUNTS, '200 default/\n'],
  [`${ACCOUNTS}/default/`, '200 aliases\nemail\nscopes\ntoken\n'],
  [
    `${ACCOUNTS}/default/?recursive=true`,
    '200 {"aliases":["default"],"email":"a@b.test","scopes":["https://www.googleapis.com/auth/cloud-platform"]}',
  ],
  [
    `${ACCOUNTS}/default/token?scopes=x`,
    '200 {"access_token":"openshell:resolve:env:x","expires_in":3600,"token_type":"Bearer"}',
  ],
  [
    `${ACCOUNTS}/a@b.test/token`,
    '200 {"access_token":"openshell:resolve:env:x","expires_in":3600,"token_type":"Bearer"}',
  ],
  [`${ACCOUNTS}/default/email`, '200 a@b.test'],
  [`${ACCOUNTS}/default/scopes`, '200 https://www.googleapis.com/auth/cloud-platform'],
  [`${ACCOUNTS}/default/aliases`, '200 default\n'],
  [`${ACCOUNTS}/other/token`, '404 {"error":"not_found"}'],
  [`${V1}/instance/attributes/`, '404 {"error":"not_found"}'],
])('%s', (target, said) => {
  expect(ask(target)).toBe(said);
});

it('tells only whoever asks as its libraries do', () => {
  expect(ask('/', {}, 'POST')).toContain('405');
  expect(ask('/', { 'metadata-flavor': 'google' })).toBe('403 Forbidden');
  expect(ask('/', { 'x-forwarded-for': '1.2.3.4' })).toBe('403 Forbidden');
  expect(answerMetadata({ method: 'GET', target: '/', headers: {} }, FACTS)?.status).toBe(403);
});

it('leaves other requests alone', () => {
  expect(ask('/x')).toBeNull();
  expect(ask('/computeMetadataX')).toBeNull();
  expect(ask('/?a=b')).toBe('200 computeMetadata/\n');
  expect(ask(`${V1}/project/project-id`, {}, 'GET', { ...FACTS, projectId: null })).toContain('404');
});
