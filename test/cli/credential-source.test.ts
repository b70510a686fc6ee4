import { chmodSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readCredentials } from '../../src/cli/credential-source.ts';
import { takeCredentials } from '../../src/cli/credentials.ts';

const NO_PROJECT = { projectId: null, email: null };
const SECRET = 'a-secret-of-a-test';
const directory = mkdtempSync(join(tmpdir(), 'openshell-credentials-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const file = (name: string, content: string | Uint8Array, mode = 0o600): string => {
  const path = join(directory, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
};

describe('a credential is read', () => {
  it('from a variable, which is gone then', () => {
    const environment: Record<string, string | undefined> = { TOKEN: SECRET, OTHER: 'x' };
    const [read] = readCredentials(['api=env:TOKEN'], environment);
    expect(read).toEqual({
      provider: { name: 'api', values: [{ variable: 'TOKEN', value: SECRET }], gcp: NO_PROJECT },
      file: null,
      warnings: [],
    });
    expect(environment).toEqual({ OTHER: 'x' });
  });

  it('twice from one variable', () => {
    expect(readCredentials(['a=env:T', 'b=env:T'], { T: SECRET })).toHaveLength(2);
  });

  it('from a file', () => {
    const path = file('plain', `${SECRET}\n`);
    expect(readCredentials([`git-hub.x=file:${path}`], {})).toEqual([
      {
        provider: { name: 'git-hub.x', values: [{ variable: 'GIT_HUB_X', value: SECRET }], gcp: NO_PROJECT },
        file: path,
        warnings: [],
      },
    ]);
    const open = file('open', SECRET, 0o644);
    expect(readCredentials([`1a=file:${open}`], {})).toMatchObject([
      { provider: { values: [{ variable: '_1A' }] }, warnings: [expect.stringContaining('chmod 600')] },
    ]);
  });

  it('from a descriptor, which is closed then', () => {
    const path = file('descriptor', SECRET);
    const descriptor = openSync(path, 'r');
    expect(readCredentials([`a=fd:${descriptor}`], {})).toMatchObject([
      { provider: { values: [{ value: SECRET }] }, file: null },
    ]);
    expect(() => readCredentials([`a=fd:${descriptor}`], {})).toThrow('EBADF');
  });
});

it.each([
  [['nothing']],
  [['a=']],
  [[`a=${SECRET}`]],
  [[`=env:${SECRET}`]],
  [[`a b=env:${SECRET}`]],
  [[`a=env:${SECRET}`]],
  [['a=env:NO_SUCH']],
  [['a=fd:x']],
  [['a=fd:99999']],
  [['a=file:/no/such/file']],
  [[`a=file:${directory}`]],
  [['a=env:T', 'a=env:T']],
  [['a=env:SHORT']],
  [[`a=file:${file('large', 'x'.repeat(70_000))}`]],
  [[`a=file:${file('binary', Buffer.from([0xff, 0xfe, 0x80, 1, 2, 3, 4, 5, 6]))}`]],
])('nothing else: %j', (texts) => {
  const environment = { T: SECRET, SHORT: 'short' };
  let said = '';
  try {
    readCredentials(texts, environment);
  } catch (error) {
    said = (error as Error).message;
  }
  expect(said).toMatch(/^--credential/);
  expect(said).not.toContain(SECRET);
});

it('becomes a placeholder, new each time, and stands nowhere else', () => {
  const take = () => takeCredentials(['api=env:TOKEN'], { TOKEN: SECRET });
  const { variables, read, checkSpent } = take();
  expect(variables.get('TOKEN')).toMatch(/^openshell:resolve:env:s[0-9a-f]{64}_TOKEN$/);
  expect(variables.get('TOKEN')).not.toBe(take().variables.get('TOKEN'));
  expect(read).toHaveLength(1);
  expect(() => checkSpent(['A=b', 'curl'])).not.toThrow();
  expect(() => checkSpent([`A=x${SECRET}`])).toThrow('leave it out');
});

it('tells libraries of Google what they ask a metadata server for', () => {
  const text = JSON.stringify({ credentials: { GCP_ADC_ACCESS_TOKEN: SECRET }, gcp: { project_id: 'p-1' } });
  const { given, variables } = takeCredentials(['gcp=env:T'], { T: text });
  expect(given.metadata).toEqual({
    token: variables.get('GCP_ADC_ACCESS_TOKEN'),
    email: 'default',
    projectId: 'p-1',
  });
  expect(takeCredentials(['a=env:T'], { T: SECRET }).given.metadata).toBeNull();
});
