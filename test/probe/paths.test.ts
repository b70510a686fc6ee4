import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lookAt, looksTheSame } from '../../src/probe/paths.ts';

let top: string;
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'openshell-paths-')));
  mkdirSync(join(top, 'real/inner'), { recursive: true });
  writeFileSync(join(top, 'real/inner/file'), '');
  symlinkSync('real', join(top, 'link'));
  symlinkSync(join(top, 'link/inner'), join(top, 'deep'));
  symlinkSync('loop', join(top, 'loop'));
  symlinkSync('../nowhere', join(top, 'real/dangling'));
});
afterEach(() => rmSync(top, { recursive: true }));

const fact = (path: string) => lookAt([path]).facts.byPath.get(path);

describe('looking at paths', () => {
  it('follows every link on the way, and names each', () => {
    expect(fact(join(top, 'deep/file'))).toEqual({
      kind: 'file',
      canonical: join(top, 'real/inner/file'),
      links: [
        { at: join(top, 'deep'), text: join(top, 'link/inner') },
        { at: join(top, 'link'), text: 'real' },
      ],
      uid: process.getuid!(),
      gid: process.getgid!(),
    });
  });

  it('also looks at the links themselves', () => {
    expect(lookAt([join(top, 'deep/file')]).facts.byPath.get(join(top, 'link'))).toMatchObject({
      kind: 'directory',
      canonical: join(top, 'real'),
    });
  });

  it('says where a missing path would be', () => {
    expect(fact(join(top, 'link/new/file'))).toMatchObject({
      kind: 'missing',
      canonical: join(top, 'real/new/file'),
    });
    expect(fact(join(top, 'real/dangling'))).toMatchObject({
      kind: 'missing',
      canonical: join(top, 'nowhere'),
    });
  });

  it('ends at a loop of links', () => {
    expect(fact(join(top, 'loop/x'))).toMatchObject({ kind: 'missing' });
  });

  it('goes up from where a link leads, as the kernel does', () => {
    expect(fact(`${top}/deep/../inner/file`)).toMatchObject({ canonical: join(top, 'real/inner/file') });
  });
});

describe('comparing with what was seen', () => {
  it.each<[string, () => void]>([
    ['a missing path that exists now', () => writeFileSync(join(top, 'real/new'), '')],
    [
      'a link that leads elsewhere',
      () => {
        rmSync(join(top, 'link'));
        symlinkSync('other', join(top, 'link'));
      },
    ],
    [
      'a file that became a directory',
      () => {
        rmSync(join(top, 'real/inner/file'));
        mkdirSync(join(top, 'real/inner/file'));
      },
    ],
    ['a directory that is gone', () => rmSync(join(top, 'real/inner'), { recursive: true })],
  ])('notices %s', (_what, change) => {
    const { observations } = lookAt([join(top, 'real/new'), join(top, 'link/inner/file')]);
    expect(looksTheSame(observations)).toBe(true);
    change();
    expect(looksTheSame(observations)).toBe(false);
  });
});
