/** Real programs in a directory of their own, and the facts that the warden would report about them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { ExecutableFacts } from '../../src/egress/content-hash.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

export function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'openshell-test-'));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Starts a copy of a program that waits, under a name. */
export async function program(
  path: string,
  original: '/bin/sleep' | '/bin/cat' = '/bin/sleep',
): Promise<ChildProcess & { readonly pid: number }> {
  copyFileSync(original, path);
  const child = spawn(path, original === '/bin/sleep' ? ['600'] : [], { stdio: 'pipe' });
  cleanups.push(() => child.kill('SIGKILL'));
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  if (child.pid === undefined) throw new Error('no process');
  return child as ChildProcess & { pid: number };
}

export function factsOf(pid: number, path: string, more: Partial<ExecutableFacts> = {}): ExecutableFacts {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(`/proc/${pid}/exe`, { bigint: true });
  return { path, pid, dev, ino, size, mtimeNs, ctimeNs, deleted: false, ...more };
}
