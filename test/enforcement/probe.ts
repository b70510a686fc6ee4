/**
 * A probe: one attack, as data. Its script succeeds (exit code 0) when the attack works. Inside a sandbox it must fail;
 * its proof says what shows that it was the sandbox that made it fail, so that no probe is vacuous.
 */
import type { ErrnoName } from '../../src/kernel/errno.ts';
import type { Tier } from '../../src/plan/plan.ts';

/**
 * The strongest there is, in this order. `control`: without a sandbox the same script, as the same user, works.
 * `userns-control`: it works for root of a user namespace of its own, with new namespaces of every other kind.
 * `marker`: the kernel refuses it by itself, to everybody that the tests may be; but under the same plan with its refusals replaced
 * by an errno that no kernel knows, that errno comes back, so the filter had decided before the kernel could.
 */
export const PROOFS = ['control', 'userns-control', 'marker'] as const;
export type Proof = (typeof PROOFS)[number];

/** What the sandbox of a probe is like: `arenas.ts`. */
export const ARENAS = ['default', 'proxy', 'allow', 'no-netlink', 'nested', 'limited', 'terminal'] as const;
export type ArenaName = (typeof ARENAS)[number];

/**
 * What a tier without namespaces has no equal of. An attack that needs one of them to be held works there, and the suite
 * sees that it does: one that is refused all the same must not be given away.
 */
export const LACKING = ['private root', 'pid namespace', 'network namespace', 'UTS namespace'] as const;
export type Lacking = (typeof LACKING)[number];

/** What is otherwise in the `platform` tier: another answer, a loss that the tier is known for, or a defect. */
export type OnPlatform =
  | { readonly errno: ErrnoName }
  | { readonly lacks: Lacking }
  | { readonly open: string };

export interface Probe {
  /** Unique among all. */
  readonly id: string;
  /** What the attacker wants, as the end of the sentence "the workload cannot …". */
  readonly what: string;
  readonly proof: Proof;
  /** For sh(1). The variables are those of `surroundings.ts`; the present directory is the project. */
  readonly script: string;
  /** What the refused call must answer inside, where the script is one call of the probe program. */
  readonly errno?: ErrnoName;
  readonly arena: ArenaName;
  /** A setting of the host on which it depends whether a stronger proof than the recorded one exists. */
  readonly dependsOn?: string;
  readonly arch?: 'x86_64';
  /** Why the sandbox does not hold this yet: the test is expected to fail, and a change that mends it shows. */
  readonly open?: string;
  /** The same as elsewhere unless given. */
  readonly platform?: OnPlatform;
  /**
   * In a container the number of processes is no limit of the kernel's: the warden counts, a few times a second, and ends
   * the sandbox. Such an attack has a sandbox to itself, and is refused when that ends.
   */
  readonly counted?: true;
}

/** What a probe must come to in a tier. */
export interface Terms {
  readonly errno: ErrnoName | undefined;
  readonly open: string | undefined;
  readonly lacks: Lacking | undefined;
}

export function termsOf({ errno, open, platform }: Probe, tier: Tier): Terms {
  const held = { errno, open, lacks: undefined };
  return tier === 'platform' && platform !== undefined ? { ...held, ...platform } : held;
}

export interface Subject {
  /** As in `the workload cannot …`: a heading. */
  readonly title: string;
  /** What root may do with its own rights in the control run; otherwise an ordinary user does it. */
  readonly safeAsRoot: boolean;
  readonly probes: readonly Probe[];
}

type Extra = Partial<Pick<Probe, 'errno' | 'arena' | 'dependsOn' | 'arch' | 'open' | 'platform' | 'counted'>>;

/** An attack by a shell script. */
export const attack = (id: string, what: string, proof: Proof, script: string, extra: Extra = {}): Probe => ({
  id,
  what,
  proof,
  script,
  arena: 'default',
  ...extra,
});

/** An attack by one action of the probe program, refused with an errno: EPERM unless given. */
export const call = (id: string, action: string, what: string, proof: Proof, extra: Extra = {}): Probe => ({
  id,
  what,
  proof,
  script: `exec "$PROBE" ${action}`,
  errno: 'EPERM',
  arena: 'default',
  ...extra,
});

/** Those that only the parts of a tier with namespaces can hold. */
export const lacking = (what: Lacking, probes: readonly Probe[]): Probe[] =>
  probes.map((probe) => ({ ...probe, platform: { lacks: what } }));
