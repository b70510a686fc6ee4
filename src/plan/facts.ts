/**
 * What one host can do and holds, gathered by `probe` and given to `compile` as a value: any kernel can be pretended
 * in a test.
 */
import type { Arch } from '../kernel/arch.ts';

export interface HostFacts {
  readonly arch: Arch;
  readonly kernel: KernelFacts;
  readonly caller: CallerFacts;
  /** Paths that a workload must never write: openshell's installation, policy, event and credential files; absolute, as
   *  they are named: a link on the way counts too. */
  readonly ownFiles: readonly string[];
  readonly paths: PathFacts;
  readonly repositories: RepositoryFacts;
  readonly cgroup: CgroupFacts;
}

/** What git of the host takes its configuration and hooks from, found in and one level below the writable directories. */
export interface RepositoryFacts {
  /** Directories that were searched, as they are listed. */
  readonly roots: readonly string[];
  readonly found: readonly Repository[];
  /** False: there are more than were looked at. */
  readonly complete: boolean;
}

export interface Repository {
  /** Canonical. */
  readonly path: string;
  /** A git directory; the part of one that belongs to a linked worktree; a `.git` file that names one (gitrepository-layout(5)). */
  readonly kind: 'directory' | 'worktree' | 'file';
}

export interface KernelFacts {
  readonly release: string;
  /** 0: no Landlock. */
  readonly landlockAbi: number;
  /** Null: works; otherwise why a user namespace with its mounts and /proc cannot be made. */
  readonly namespacesProblem: string | null;
  /** Null: works; otherwise why no listener can be had. */
  readonly notifyProblem: string | null;
  /** Null: a parent may read the memory of its children; otherwise why not (Yama from 2 on, ptrace(2)). */
  readonly memoryProblem: string | null;
  readonly waitKillable: boolean;
  readonly perUserNamespaceProcessCount: boolean;
  /** Filters that were put on this process before, as a container's is; null: none. */
  readonly outerFilters: {
    readonly count: number /** Names of calls. */;
    readonly refused: readonly string[];
  } | null;
  /** All processes of the user can be seen from here. */
  readonly initialPidNamespace: boolean;
}

export interface CgroupFacts {
  /** A cgroup v2 below which this user may make others with memory and pids limits, or null. */
  readonly parent: string | null;
  /** Where, or why not. */
  readonly detail: string;
}

export interface CallerFacts {
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly groupName: string;
  readonly home: string;
  readonly workdir: string;
}

export interface PathFacts {
  /** By absolute path: what `pathsOfInterest` asked about. */
  readonly byPath: ReadonlyMap<string, PathFact>;
  /** Names in `/`, sorted. */
  readonly rootEntries: readonly string[];
}

export interface SymbolicLink {
  /** Where the link is; its parent directories hold no link. */
  readonly at: string;
  /** Its text, as readlink(2) gives it. */
  readonly text: string;
}

export type PathFact =
  | {
      readonly kind: 'missing';
      /** With the links followed of those of its parents that exist. */
      readonly canonical: string;
      readonly links: readonly SymbolicLink[];
    }
  | {
      readonly kind: 'directory' | 'file' | 'device' | 'socket' | 'other';
      /** The same place without a symbolic link in it. */
      readonly canonical: string;
      /** The links on the way, in the order in which they are met. */
      readonly links: readonly SymbolicLink[];
      readonly uid: number;
      readonly gid: number;
    };
