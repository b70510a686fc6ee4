/** The directory of one run in the `platform` tier: HOME and TMPDIR lie in it, and it goes with the run. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
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
export function makeScratch(trust: Readonly<Record<TrustFile, string>> | null): Scratch {
  let path: string;
  try {
    path = mkdtempSync(join(realpathSync(tmpdir()), 'openshell-'));
    for (const name of SCRATCH_DIRECTORIES) mkdirSync(join(path, name), { mode: 0o700 });
    if (trust !== null) writeTrust(join(path, TRUST_SCRATCH), trust);
  } catch (error) {
    throw new Error(
      `no directory for the run can be made in ${tmpdir()}: ${(error as NodeJS.ErrnoException).code}; set TMPDIR to a place that can be written`,
    );
  }
  return { path, remove: () => removeAll(path) };
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
