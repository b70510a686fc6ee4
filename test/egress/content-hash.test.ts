import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ContentHash, type ContentHashOptions, type ExecutableFacts } from '../../src/egress/content-hash.ts';
import { EGRESS_LIMITS } from '../../src/egress/limits.ts';
import { directory, factsOf, program } from './programs.ts';

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

/** Facts about an ordinary file, which stands for the executable of a process. */
function file(content: Buffer | string, name = 'x', dir = directory()) {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}
function factsAbout(path: string, more: Partial<ExecutableFacts> = {}): ExecutableFacts {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return { path, pid: 1, dev, ino, size, mtimeNs, ctimeNs, deleted: false, ...more };
}
/** Opens this path whatever the process, counts, and lets a test act while the file is open. */
function opening(path: string, options: ContentHashOptions & { opened?: (file: FileHandle) => void } = {}) {
  const count = { opens: 0 };
  const hash = new ContentHash({
    // By default the files of the test are old enough to be remembered.
    now: () => BigInt(Date.now() + 60_000) * 1_000_000n,
    openExecutable: async () => {
      count.opens += 1;
      const handle = await open(path, 'r');
      options.opened?.(handle);
      return handle;
    },
    ...options,
  });
  return { hash, count };
}

describe('ContentHash', () => {
  it('hashes the executable of a running process', async () => {
    const path = join(directory(), 'tool');
    const { pid } = await program(path);
    expect(await new ContentHash().of(factsOf(pid, path))).toEqual({
      ok: true,
      value: sha256(readFileSync(path)),
    });
  });

  it.each([0, 1, EGRESS_LIMITS.hashChunk, EGRESS_LIMITS.hashChunk * 3 + 7])(
    'hashes %d bytes',
    async (size) => {
      const content = Buffer.alloc(size, 'abc');
      const path = file(content);
      expect(await opening(path).hash.of(factsAbout(path))).toEqual({ ok: true, value: sha256(content) });
    },
  );

  it('reads a file once, also for requests that come at the same time', async () => {
    const path = file('content');
    const { hash, count } = opening(path);
    const facts = factsAbout(path);
    const all = await Promise.all(Array.from({ length: 20 }, () => hash.of({ ...facts, pid: 7 })));
    expect(new Set(all.map((one) => one.ok && one.value))).toEqual(new Set([sha256('content')]));
    await hash.of(facts);
    expect(count.opens).toBe(1);
  });

  it('reads a file again that was written a moment ago: its time stamp may not move with the next write', async () => {
    const path = file('content');
    const { hash, count } = opening(path, {
      now: () => statSync(path, { bigint: true }).ctimeNs + 5_000_000n,
    });
    await hash.of(factsAbout(path));
    await hash.of(factsAbout(path));
    expect(count.opens).toBe(2);
  });

  it('forgets the least recently used file when it knows too many', async () => {
    const dir = directory();
    const paths = ['a', 'b', 'c'].map((name) => file(name, name, dir));
    let opens: string[] = [];
    const hash = new ContentHash({
      limits: { ...EGRESS_LIMITS, rememberedHashes: 2 },
      now: () => BigInt(Date.now() + 60_000) * 1_000_000n,
      openExecutable: (pid) => {
        opens.push(paths[pid]!);
        return open(paths[pid]!, 'r');
      },
    });
    const ask = (i: number) => hash.of(factsAbout(paths[i]!, { pid: i }));
    for (const i of [0, 1, 0, 2]) await ask(i);
    opens = [];
    for (const i of [0, 2, 1]) await ask(i);
    expect(opens).toEqual([paths[1]]);
  });

  it.each(['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'] as const)(
    'refuses a file whose %s is not what the facts say',
    async (field) => {
      const path = file('content');
      const facts = factsAbout(path);
      const result = await opening(path).hash.of({ ...facts, [field]: facts[field] + 1n });
      expect(result).toEqual({
        ok: false,
        error: { kind: 'unavailable', detail: 'is no longer what the process runs' },
      });
    },
  );

  it.each([
    ['grows', (path: string) => appendFileSync(path, 'x')],
    ['is written over', (path: string) => writeFileSync(path, 'CONTENT')],
    ['gets another time stamp', (path: string) => utimesSync(path, 1, 1)],
  ])('refuses a file that %s while it is read', async (_what, change) => {
    const path = file('content');
    const facts = factsAbout(path);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { hash } = opening(path, {
      opened: (handle) => {
        const read = handle.read.bind(handle);
        Object.assign(handle, {
          read: (...args: Parameters<typeof read>) => {
            change(path);
            Object.assign(handle, { read });
            return read(...args);
          },
        });
      },
    });
    expect(await hash.of(facts)).toMatchObject({ ok: false, error: { kind: 'changed' } });
  });

  it('says why a file cannot be opened', async () => {
    const result = await opening('/nonexistent').hash.of(factsAbout(file('x')));
    expect(result).toEqual({ ok: false, error: { kind: 'unavailable', detail: 'cannot be read (ENOENT)' } });
  });

  it('refuses a file that is too large, without opening it', async () => {
    const path = file('content');
    const { hash, count } = opening(path, { limits: { ...EGRESS_LIMITS, executableBytes: 6 } });
    expect(await hash.of(factsAbout(path))).toMatchObject({
      ok: false,
      error: { detail: 'is larger than 6 bytes' },
    });
    expect(count.opens).toBe(0);
  });

  it('refuses when too many wait, and leaves no file open', async () => {
    const dir = directory();
    const limits = { ...EGRESS_LIMITS, hashing: 1, hashQueue: 1 };
    const handles: FileHandle[] = [];
    const hash = new ContentHash({
      limits,
      openExecutable: async (pid) => {
        const handle = await open(join(dir, `f${pid}`), 'r');
        handles.push(handle);
        return handle;
      },
    });
    const asks = [0, 1, 2].map((i) => hash.of(factsAbout(file(`c${i}`, `f${i}`, dir), { pid: i })));
    const results = await Promise.all(asks);
    expect(results.map(({ ok }) => ok)).toEqual([true, true, false]);
    expect(handles.map(({ fd }) => fd)).toEqual([-1, -1]);
  });

  it('leaves the event loop free between pieces of a large file', async () => {
    const path = file(Buffer.alloc(EGRESS_LIMITS.hashChunk * 64));
    let turns = 0;
    let done = false;
    const count = (): void => {
      turns += 1;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    await opening(path).hash.of(factsAbout(path));
    done = true;
    expect(turns).toBeGreaterThan(30);
  });
});
