/** All that can be seen of some directories from outside, so that a change of anything shows. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** By path: kind, mode, owner, times of change, and a hash of the content. Access times are left out. */
export function snapshotOf(directories: readonly string[]): ReadonlyMap<string, string> {
  const seen = new Map<string, string>();
  const queue = [...directories];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const stats = lstatSync(path, { bigint: true });
    const { mode, uid, gid, nlink, mtimeNs, ctimeNs } = stats;
    let content = '';
    if (stats.isDirectory()) for (const name of readdirSync(path)) queue.push(join(path, name));
    if (stats.isSymbolicLink()) content = readlinkSync(path);
    if (stats.isFile()) content = createHash('sha256').update(readFileSync(path)).digest('hex');
    seen.set(path, [mode.toString(8), uid, gid, nlink, mtimeNs, ctimeNs, content].join(' '));
  }
  return seen;
}
