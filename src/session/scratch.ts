/** The directory of one run in the `platform` tier: HOME and TMPDIR lie in it, and it goes with the run. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SCRATCH_DIRECTORIES } from '../plan/plan.ts';
import { TRUST_FILES, TRUST_SCRATCH, type TrustFile } from '../plan/trust-files.ts';

export interface Scratch {
  /** Absolute and canonical. */
  readonly path: string;
  remove(): void;
}

/** Throws when there is no place for one. */
/** @param owner who the workload is on the host, when that is another than the caller */
export function makeScratch(
  trust: Readonly<Record<TrustFile, string>> | null,
  owner: { readonly uid: number; readonly gid: number } | null = null,
): Scratch {
  let path: string;
  try {
    path = mkdtempSync(join(realpathSync(tmpdir()), 'openshell-'));
    for (const name of SCRATCH_DIRECTORIES) mkdirSync(join(path, name), { mode: 0o700 });
    if (trust !== null) writeTrust(join(path, TRUST_SCRATCH), trust);
    if (owner !== null) giveTo(path, owner);
  } catch (error) {
    throw new Error(
      `no directory for the run can be made in ${tmpdir()}: ${(error as NodeJS.ErrnoException).code}; set TMPDIR to a place that can be written`,
    );
  }
  return { path, remove: () => removeAll(path) };
}

/** What the workload writes is its own; the files of trust stay the caller's, and can be read. */
function giveTo(path: string, { uid, gid }: { readonly uid: number; readonly gid: number }): void {
  chmodSync(path, 0o711);
  for (const name of SCRATCH_DIRECTORIES) chownSync(join(path, name), uid, gid);
  const trust = join(path, TRUST_SCRATCH);
  if (existsSync(trust)) chmodSync(trust, 0o755);
}

function writeTrust(directory: string, trust: Readonly<Record<TrustFile, string>>): void {
  mkdirSync(directory, { mode: 0o700 });
  for (const file of ['ca', 'bundle'] as const)
    writeFileSync(join(directory, TRUST_FILES[file]), trust[file], { mode: 0o444 });
}

/** The program may have taken the rights on directories away (Go's module cache does), from itself and so from us. */
function removeAll(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    openUp(path);
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {}
  }
}

/** No program is left that could put a link in the place of a directory. */
function openUp(directory: string): void {
  try {
    chmodSync(directory, 0o700);
    for (const entry of readdirSync(directory, { withFileTypes: true }))
      if (entry.isDirectory()) openUp(join(directory, entry.name));
  } catch {}
}
