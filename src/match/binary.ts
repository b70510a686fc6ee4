/** Which programs an entry of `binaries` means. */
import { compileGlob, type Glob, isGlob } from '../base/glob.ts';
import { ok, type Result } from '../base/result.ts';
import type { EgressBinary } from '../plan/plan.ts';
import type { BinaryIdentity, ExecutableIdentity } from './identity.ts';

export interface BinaryRule {
  readonly entry: EgressBinary;
  /** Null: the entry is an exact path. */
  readonly glob: Glob | null;
}

/** Why an entry does not fit, from far to near. */
export type BinaryMiss = 'path' | 'ancestor_only' | 'content';

export function compileBinary(entry: EgressBinary): Result<BinaryRule, string> {
  if (!isGlob(entry.pattern)) return ok({ entry, glob: null });
  const glob = compileGlob(entry.pattern, '/');
  return glob.ok ? ok({ entry, glob: glob.value }) : glob;
}

export function matchesPath(rule: BinaryRule, path: string): boolean {
  if (rule.glob !== null) return rule.glob.test(path);
  return path === rule.entry.pattern || path === rule.entry.resolved;
}

/**
 * The program that the entry grants to: the caller itself, else the nearest ancestor unless the entry says
 * `ancestors: false`. A pinned `sha256` is compared with the content of that very program.
 */
export function matchBinary(rule: BinaryRule, identity: BinaryIdentity): ExecutableIdentity | BinaryMiss {
  let miss: BinaryMiss = 'path';
  for (const program of [identity.executable, ...identity.ancestors]) {
    if (!matchesPath(rule, program.path)) continue;
    if (program !== identity.executable && !rule.entry.ancestors) {
      if (miss === 'path') miss = 'ancestor_only';
    } else if (!hasContent(rule, program)) {
      miss = 'content';
    } else {
      return program;
    }
  }
  return miss;
}

const hasContent = (rule: BinaryRule, program: ExecutableIdentity): boolean =>
  program.sha256 !== null && (rule.entry.sha256 === null || rule.entry.sha256 === program.sha256);
