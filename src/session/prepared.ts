/** What a preparation takes and gives. */
import type { OperatorRequest } from '../compile/input.ts';
import type { Plan } from '../plan/plan.ts';
import type { Installation } from '../probe/installation.ts';
import type { Observations } from '../probe/paths.ts';
import type { PolicyFile } from './policy-file.ts';

export interface PrepareInput {
  readonly policy: PolicyFile | null;
  readonly operator: OperatorRequest;
  readonly workdir: string;
  readonly installation: Installation;
  /** Further absolute paths that the workload must never write: event and credential files. */
  readonly ownFiles: readonly string[];
  readonly refusalErrno?: number;
}

export interface Prepared {
  readonly plan: Plan;
  /** The plan as the launcher reads it, in base64. */
  readonly document: string;
  /** Warnings about the policy, rendered. */
  readonly warnings: readonly string[];
}

/** Complete text for standard error: complaints with carets, or problems with hints. */
export interface PrepareFailure {
  readonly lines: readonly string[];
}

/** What one preparation came to, with what was seen of the host then. */
export interface Remembered {
  readonly observations: Observations;
  readonly prepared: Prepared;
}

export const PLAN_CACHE = 'plans';
