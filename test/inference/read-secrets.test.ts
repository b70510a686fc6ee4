import { fstatSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readSecrets, secretFiles } from '../../src/inference/read-secrets.ts';
import { routesOf } from './routes.ts';

const SECRET = 'sk-hunter2hunter2';
const directory = mkdtempSync(join(tmpdir(), 'openshell-secrets-'));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const route = (credential: string) =>
  routesOf(`  - {name: r, provider: openai, model: m, credential: "${credential}"}`);
const read = (credential: string, environment: Record<string, string> = {}) =>
  readSecrets(route(credential), environment, directory);
const file = (content: string | Buffer): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'openshell-secret-')), 'key');
  writeFileSync(path, content);
  return path;
};

describe('readSecrets', () => {
  it('reads variables, files and descriptors', () => {
    expect(read('env:A', { A: SECRET })).toEqual({ ok: true, value: new Map([['r', SECRET]]) });
    expect(read(`file:${file(`${SECRET}\n`)}`)).toEqual({ ok: true, value: new Map([['r', SECRET]]) });
    const fd = openSync(file(SECRET), 'r');
    expect(read(`fd:${fd}`)).toEqual({ ok: true, value: new Map([['r', SECRET]]) });
    expect(() => fstatSync(fd)).toThrow(/EBADF/);
  });

  it('reads a place once, for all routes that name it', () => {
    const fd = openSync(file(SECRET), 'r');
    const routes = routesOf(`
  - {name: a, provider: openai, model: m, credential: "fd:${fd}"}
  - {name: b, endpoint: "https://b.test", model: n, credential: "fd:${fd}"}
  - {name: c, endpoint: "https://b.test", model: o}`);
    expect(readSecrets(routes, {}, directory)).toEqual({
      ok: true,
      value: new Map([
        ['a', SECRET],
        ['b', SECRET],
      ]),
    });
  });

  it.each([
    ['env:A', {}, 'the credential of the route r (env:A) is not set in the environment of openshell'],
    ['env:A', { A: '' }, 'the credential of the route r (env:A) is empty'],
    [
      'env:A',
      { A: `${SECRET}\r\nX-Evil: 1` },
      'the credential of the route r (env:A) holds characters that a header cannot carry',
    ],
    ['env:A', { A: 'x'.repeat(20_000) }, 'the credential of the route r (env:A) is longer than 16384 bytes'],
    ['file:none', {}, 'the credential of the route r (file:none) cannot be read (ENOENT)'],
    ['fd:1000000', {}, 'the credential of the route r (fd:1000000) cannot be read (EBADF)'],
  ])('says what is wrong with %s, and not what stands there', (credential, environment, error) => {
    expect(read(credential, environment)).toEqual({ ok: false, error });
  });

  it('does not read a large file', () => {
    expect(read(`file:${file(Buffer.alloc(1_000_000, 0x61))}`)).toMatchObject({ ok: false });
  });
});

describe('secretFiles', () => {
  it('names the files, beside the file of routes unless absolute', () => {
    const routes = routesOf(`
  - {name: a, provider: openai, model: m, credential: "file:keys/a"}
  - {name: b, provider: nvidia, model: n, credential: "file:/run/b"}
  - {name: c, provider: nvidia, model: o, credential: "env:C"}`);
    expect(secretFiles(routes, '/etc/openshell')).toEqual(['/etc/openshell/keys/a', '/run/b']);
  });
});
