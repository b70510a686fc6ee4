/**
 * What one host can do and holds, gathered by `probe` and given to `compile` as a value: any kernel can be pretended
 * in a test.
 */
import type { Arch } from '../kernel/arch.ts';

export interface HostFacts {
  readonly arch: Arch;
  readonly kernel: KernelFacts;
  readonly caller: CallerFacts;
  /** Paths of openshell itself that a workload must never write: directories or files, canonical. */
  readonly installation: readonly string[];
  readonly paths: PathFacts;
  readonly cgroup: { readonly delegated: boolean; readonly detail: string };
}

export interface KernelFacts {
  readonly release: string;
  /** 0: no Landlock. */
  readonly landlockAbi: number;
  /** Null: works; otherwise why a user namespace with its mounts and /proc cannot be made. */
  readonly namespacesProblem: string | null;
  /** Null: works; otherwise why no listener can be had. */
  readonly notifyProblem: string | null;
  readonly waitKillable: boolean;
  readonly perUserNamespaceProcessCount: boolean;
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
  /** Facts about an absolute path, or undefined when nobody asked about it (a defect of ours). */
  get(path: string): PathFact | undefined;
  /** Names in a directory that was asked about with its entries: `/`. */
  entries(path: string): readonly string[];
}

export type PathFact =
  | { readonly kind: 'missing' }
  /** `canonical` has no symbolic link in it; `uid` and `gid` own it; `link`: the text of the link when the last component is one. */
  | {
      readonly kind: 'directory' | 'file' | 'device' | 'socket' | 'other';
      readonly canonical: string;
      readonly uid: number;
      readonly gid: number;
      readonly mode: number;
      readonly link: string | null;
    }
  | { readonly kind: 'dangling'; readonly link: string };
