import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ok } from '../../src/base/result.ts';
import type { ContentHash, ExecutableFacts } from '../../src/egress/content-hash.ts';
import { IdentityResolver } from '../../src/egress/identity.ts';
import { EGRESS_LIMITS } from '../../src/egress/limits.ts';
import { directory, factsOf, program } from './programs.ts';

/** A hasher that knows content by inode; null: unreadable. */
function contents(known: Readonly<Record<number, string | null>>): ContentHash {
  return {
    of: async ({ ino }: ExecutableFacts) => {
      const content = known[Number(ino)];
      return content === null || content === undefined
        ? { ok: false, error: { kind: 'unavailable', detail: 'cannot be read (ENOENT)' } }
        : ok(content);
    },
  } as unknown as ContentHash;
}
const facts = (path: string, ino: number): ExecutableFacts => ({
  path,
  pid: ino,
  dev: 1n,
  ino: BigInt(ino),
  size: 1n,
  mtimeNs: 1n,
  ctimeNs: 1n,
  deleted: false,
});

describe('IdentityResolver', () => {
  it('gives path and content of the caller and its ancestors', async () => {
    const resolver = new IdentityResolver(contents({ 1: 'aa', 2: 'bb' }));
    const result = await resolver.resolve({
      pid: 9,
      executable: facts('/a', 1),
      ancestors: [facts('/b', 2)],
    });
    expect(result).toEqual(
      ok({ pid: 9, executable: { path: '/a', sha256: 'aa' }, ancestors: [{ path: '/b', sha256: 'bb' }] }),
    );
  });

  it('refuses a path whose content changed since it was first used, whoever runs it', async () => {
    const resolver = new IdentityResolver(contents({ 1: 'aa', 2: 'bb', 3: 'cc' }));
    const ask = (own: ExecutableFacts, ...ancestors: ExecutableFacts[]) =>
      resolver.resolve({ pid: 9, executable: own, ancestors });
    expect((await ask(facts('/a', 1))).ok).toBe(true);
    expect((await ask(facts('/a', 1))).ok).toBe(true);
    expect(await ask(facts('/a', 2))).toEqual({
      ok: false,
      error: {
        reason: 'binary_changed',
        detail: 'binary integrity check failed: `/a` has other content than when it was first used',
        process: { pid: 9, exe: '/a', sha256: null, ancestors: [] },
      },
    });
    expect(await ask(facts('/c', 3), facts('/a', 2))).toMatchObject({ error: { reason: 'binary_changed' } });
    expect((await ask(facts('/a', 1))).ok).toBe(true);
  });

  it('pins the content of ancestors too', async () => {
    const resolver = new IdentityResolver(contents({ 1: 'aa', 2: 'bb', 3: 'cc' }));
    await resolver.resolve({ pid: 9, executable: facts('/a', 1), ancestors: [facts('/b', 2)] });
    expect(await resolver.resolve({ pid: 9, executable: facts('/b', 3), ancestors: [] })).toMatchObject({
      error: { reason: 'binary_changed' },
    });
  });

  it('refuses a caller with ancestors that were cut from the report', async () => {
    const resolver = new IdentityResolver(contents({ 1: 'aa', 2: 'bb', 3: 'cc' }));
    const ancestors = [facts('/b', 2), { ...facts('', 3), cut: true }];
    expect(await resolver.resolve({ pid: 9, executable: facts('/a', 1), ancestors })).toMatchObject({
      error: { reason: 'identity_unavailable', detail: 'the paths of its ancestors are too long' },
    });
  });

  it('refuses a caller that cannot be read', async () => {
    const resolver = new IdentityResolver(contents({ 1: null }));
    expect(await resolver.resolve({ pid: 9, executable: facts('/a', 1), ancestors: [] })).toMatchObject({
      error: { reason: 'identity_unavailable', detail: 'the program `/a` cannot be read (ENOENT)' },
    });
  });

  it('keeps an ancestor that is gone, without a content that could grant anything', async () => {
    const resolver = new IdentityResolver(contents({ 1: 'aa', 2: null, 3: 'cc' }));
    const ancestors = [facts('/b', 2), facts('/c', 3)];
    expect(await resolver.resolve({ pid: 9, executable: facts('/a', 1), ancestors })).toMatchObject({
      value: {
        ancestors: [
          { path: '/b', sha256: null },
          { path: '/c', sha256: 'cc' },
        ],
      },
    });
  });

  it.each(['', 'relative', '/a\0b', `/${'x'.repeat(5000)}`, '(unreachable)/a'])(
    'refuses the path %j',
    async (path) => {
      const resolver = new IdentityResolver(contents({ 1: 'aa' }));
      expect(await resolver.resolve({ pid: 9, executable: facts(path, 1), ancestors: [] })).toMatchObject({
        error: { reason: 'identity_unavailable' },
      });
    },
  );

  it('looks at a bounded number of ancestors and remembers a bounded number of paths', async () => {
    const limits = { ...EGRESS_LIMITS, ancestors: 2, pinnedPaths: 3 };
    const resolver = new IdentityResolver(contents({ 1: 'aa' }), limits);
    const ancestors = ['/b', '/c', '/d', '/e'].map((path) => facts(path, 1));
    const first = await resolver.resolve({ pid: 9, executable: facts('/a', 1), ancestors });
    expect(first.ok && first.value.ancestors).toHaveLength(2);
    // A flood of new paths must not push out what is pinned.
    expect(await resolver.resolve({ pid: 9, executable: facts('/z', 1), ancestors: [] })).toMatchObject({
      error: { reason: 'identity_unavailable' },
    });
    expect((await resolver.resolve({ pid: 9, executable: facts('/a', 1), ancestors: [] })).ok).toBe(true);
  });

  it('knows a program by its bytes, not by its inode', async () => {
    const path = join(directory(), 'tool');
    const resolver = new IdentityResolver();
    const first = await program(path);
    unlinkSync(path);
    const known = factsOf(first.pid, path);
    const second = await program(path);
    const other = factsOf(second.pid, path);
    expect(other.ino).not.toBe(known.ino);
    for (const executable of [known, other])
      expect((await resolver.resolve({ pid: executable.pid, executable, ancestors: [] })).ok).toBe(true);
  });

  it('refuses a real program that took the place of another one', async () => {
    const path = join(directory(), 'tool');
    const resolver = new IdentityResolver();
    const first = await program(path);
    const before = factsOf(first.pid, path);
    expect((await resolver.resolve({ pid: first.pid, executable: before, ancestors: [] })).ok).toBe(true);
    unlinkSync(path);
    const second = await program(path, '/bin/cat');
    const after = factsOf(second.pid, path);
    expect(await resolver.resolve({ pid: second.pid, executable: after, ancestors: [] })).toMatchObject({
      error: { reason: 'binary_changed' },
    });
  });

  it('refuses when the process runs another file than the facts say', async () => {
    const dir = directory();
    const [a, b] = [await program(join(dir, 'a')), await program(join(dir, 'b'))];
    const executable = { ...factsOf(a.pid, join(dir, 'a')), pid: b.pid };
    expect(await new IdentityResolver().resolve({ pid: b.pid, executable, ancestors: [] })).toMatchObject({
      error: {
        reason: 'identity_unavailable',
        detail: expect.stringContaining('no longer what the process runs'),
      },
    });
  });
});
