import { fstatSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { SecretPlace } from '../../src/base/secret-place.ts';
import { readSecret } from '../../src/inject/read-secret.ts';
import { Scratch } from '../support/scratch.ts';

const MOST = 32;
const scratch = new Scratch('read-secret');
afterAll(() => scratch.remove());
const read = (place: SecretPlace, environment: Record<string, string> = {}) =>
  readSecret(place, environment, MOST);
let files = 0;
const file = (content: string | Uint8Array): string => {
  const path = join(scratch.path, `file-${files++}`);
  writeFileSync(path, content, { mode: 0o640 });
  return path;
};

it('reads variables, files and descriptors', () => {
  expect(read({ kind: 'env', name: 'A' }, { A: 'é\n' })).toEqual({
    ok: true,
    value: { text: 'é\n', mode: null },
  });
  const path = file('x'.repeat(MOST));
  const found = read({ kind: 'file', path });
  expect(found).toMatchObject({ ok: true, value: { text: 'x'.repeat(MOST) } });
  expect(found.ok && found.value.mode! & 0o777).toBe(0o640);
  expect(read({ kind: 'file', path: '/dev/null' })).toEqual({ ok: true, value: { text: '', mode: null } });
});

it.each([
  ['what can be read', 'secret'],
  ['what is too long', 'x'.repeat(MOST + 1)],
])('closes a descriptor after %s', (_, content) => {
  const fd = openSync(file(content), 'r');
  read({ kind: 'fd', fd });
  expect(() => fstatSync(fd)).toThrow(/EBADF/);
});

it('tells apart why there is none', () => {
  const problems: [SecretPlace, object][] = [
    [{ kind: 'env', name: 'B' }, { kind: 'unset' }],
    [{ kind: 'env', name: 'LONG' }, { kind: 'too long' }],
    [{ kind: 'file', path: file('x'.repeat(1_000_000)) }, { kind: 'too long' }],
    [{ kind: 'file', path: '/dev/zero' }, { kind: 'too long' }],
    [{ kind: 'file', path: file(Uint8Array.of(0x61, 0xff)) }, { kind: 'no UTF-8' }],
    [
      { kind: 'file', path: join(scratch.path, 'none') },
      { kind: 'unreadable', code: 'ENOENT' },
    ],
    [
      { kind: 'file', path: scratch.path },
      { kind: 'unreadable', code: 'EISDIR' },
    ],
    [
      { kind: 'fd', fd: 1_000_000 },
      { kind: 'unreadable', code: 'EBADF' },
    ],
  ];
  for (const [place, error] of problems)
    expect(read(place, { LONG: 'é'.repeat(MOST / 2 + 1) })).toEqual({ ok: false, error });
});
