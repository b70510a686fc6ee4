import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findRepositories, sameRepositories } from '../../src/probe/repositories.ts';

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'repositories-'));
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

function repository(path: string): void {
  for (const name of ['objects', 'refs']) mkdirSync(join(top, path, name), { recursive: true });
  writeFileSync(join(top, path, 'HEAD'), 'ref: refs/heads/main\n');
}
function file(path: string): void {
  mkdirSync(dirname(join(top, path)), { recursive: true });
  writeFileSync(join(top, path), '');
}
const found = (...roots: string[]) =>
  findRepositories(roots.map((root) => join(top, root))).found.map(({ path, kind }) => [
    kind,
    path.slice(top.length + 1),
  ]);

describe('git directories', () => {
  it('of a root, of its directories, of submodules and of worktrees are found', () => {
    repository('p/.git');
    repository('p/.git/modules/vendor/part');
    repository('p/.git/modules/vendor/part/modules/inner');
    mkdirSync(join(top, 'p/.git/worktrees/other'), { recursive: true });
    repository('p/child/.git');
    file('p/vendor/.git');
    repository('p/child/deep/.git');
    expect(found('p')).toEqual([
      ['directory', 'p/.git'],
      ['directory', 'p/.git/modules/vendor/part'],
      ['directory', 'p/.git/modules/vendor/part/modules/inner'],
      ['worktree', 'p/.git/worktrees/other'],
      ['directory', 'p/child/.git'],
      ['file', 'p/vendor/.git'],
    ]);
  });

  it('may be a root themselves', () => {
    repository('bare');
    expect(found('bare')).toEqual([['directory', 'bare']]);
  });

  it('are not followed through links, but a root may be one', () => {
    repository('p/.git');
    symlinkSync('p', join(top, 'link'));
    mkdirSync(join(top, 'q'));
    symlinkSync('../p/.git', join(top, 'q/.git'));
    expect(found('q')).toEqual([]);
    expect(found('link', 'p', 'missing')).toEqual([['directory', 'p/.git']]);
  });

  it('are searched for only so long', () => {
    for (let i = 0; i < 4100; i += 1) mkdirSync(join(top, `p/${i}`), { recursive: true });
    expect(findRepositories([join(top, 'p')]).complete).toBe(false);
  });

  it('are the same when nothing changed', () => {
    repository('p/.git');
    const before = findRepositories([join(top, 'p')]);
    expect(sameRepositories(before, findRepositories(before.roots))).toBe(true);
    repository('p/.git/modules/new');
    expect(sameRepositories(before, findRepositories(before.roots))).toBe(false);
  });
});
