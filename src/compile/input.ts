/** What a plan is compiled from: a policy, what the operator asked for on the command line, and facts about the host. */
import type { HostFacts } from '../plan/facts.ts';
import type { NetworkMode, SeccompPlan, Tier } from '../plan/plan.ts';
import type { Policy } from '../policy/policy.ts';
import type { SeccompInput } from './seccomp-clause.ts';

export interface CompileInput {
  /** Null: no policy file was given; the default applies. */
  readonly policy: Policy | null;
  readonly source: { readonly file: string | null };
  readonly operator: OperatorRequest;
  readonly facts: HostFacts;
  /** Filters compiled before, for inputs that come up again and again; what it gives equals what compiling would. */
  readonly knownFilter?: (input: SeccompInput) => SeccompPlan | null;
  /** Test hook: every refusal of the system call filter answers this errno, to show that it was ours. */
  readonly refusalErrno?: number;
}

export interface OperatorRequest {
  /** Absolute or `~/` paths. */
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly allow: readonly { readonly host: string; readonly port: number }[];
  readonly network: NetworkMode | null;
  /** A directory of the host that is shown as HOME, kept from run to run. */
  readonly home: string | null;
  /** Host user id that a root caller gives the workload. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  /** Names that `--env` sets or passes. Their values may be secret, so they are no part of a plan. */
  readonly environment: readonly string[];
  /** What `--credential` gives, without the values; null: not asked, bindings are taken as they stand. */
  readonly credentials: readonly GivenCredential[] | null;
  /** What `--inference` gives, without any secret; null: nothing. */
  readonly inference: GivenInference | null;
  readonly acceptDegraded: boolean;
  /** `auto`: namespaces where the host lets us, else platform. */
  readonly tier: Tier | 'auto';
  /** OPENSHELL_ALLOW_NETLINK_ENUMERATE of openshell's own environment: raises `process.netlink: deny` to `enumerate`. */
  readonly netlinkEnumerate: boolean;
}

export interface GivenCredential {
  readonly provider: string;
  /** Variables of the workload that hold placeholders. */
  readonly variables: readonly string[];
  /** The file that holds the values, absolute: the workload may neither write nor read it. */
  readonly file: string | null;
}

export interface GivenInference {
  /** Names, in their order. */
  readonly routes: readonly string[];
  /** The file of routes, and those that hold the keys of providers, absolute: the workload may neither write nor read them. */
  readonly files: readonly string[];
}

export const NO_REQUEST: OperatorRequest = {
  read: [],
  write: [],
  allow: [],
  network: null,
  home: null,
  user: null,
  environment: [],
  credentials: null,
  inference: null,
  acceptDegraded: false,
  tier: 'auto',
  netlinkEnumerate: false,
};

/** Why no plan was made. `line` counts from 1 in the policy file. */
export interface CompileProblem {
  readonly message: string;
  readonly hint: string | null;
  readonly line: number | null;
}
