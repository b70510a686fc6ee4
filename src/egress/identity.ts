/**
 * From the process that called connect to the identity that policies name. It says who asked; it isolates nobody: a
 * program that is allowed can be made to act for another one that starts it.
 */
import { err, ok, type Result } from '../base/result.ts';
import type { ProcessReference } from '../event/event.ts';
import type { BinaryIdentity, ExecutableIdentity } from '../match/identity.ts';
import { shown } from '../match/shown.ts';
import { ContentHash, type ExecutableFacts } from './content-hash.ts';
import { EGRESS_LIMITS, type EgressLimits } from './limits.ts';

export interface AncestorFacts extends ExecutableFacts {
  /** It has no path here: those of nearer ancestors were too long. */
  readonly cut?: boolean;
}

export interface ProcessFacts {
  readonly pid: number;
  readonly executable: ExecutableFacts;
  /** Nearest first. */
  readonly ancestors: readonly AncestorFacts[];
}

export interface IdentityProblem {
  readonly reason: 'binary_changed' | 'identity_unavailable';
  /** For people: a sentence without a full stop. */
  readonly detail: string;
  /** What is known all the same. */
  readonly process: ProcessReference | null;
}

const ABSOLUTE = /^\/[^\0]{0,4095}$/s;

/** Identifies the processes of one sandbox; what it has seen first at a path is all that may be there later. */
export class IdentityResolver {
  readonly #hash: ContentHash;
  readonly #limits: EgressLimits;
  readonly #pins = new Map<string, string>();

  constructor(hash: ContentHash = new ContentHash(), limits: EgressLimits = EGRESS_LIMITS) {
    this.#hash = hash;
    this.#limits = limits;
  }

  /**
   * An ancestor that is gone or cannot be read keeps its path with a null hash: it grants nothing, and its child is
   * judged without it. Content that changed, the caller's or an ancestor's, refuses; so do ancestors that were cut, since
   * their content might have changed.
   */
  async resolve(facts: ProcessFacts): Promise<Result<BinaryIdentity, IdentityProblem>> {
    const ancestors = facts.ancestors.slice(0, this.#limits.ancestors);
    const problem = (reason: IdentityProblem['reason'], detail: string): Result<never, IdentityProblem> =>
      err({ reason, detail, process: referenceOf(facts, ancestors) });
    if (facts.ancestors.some(({ cut }) => cut === true))
      return problem('identity_unavailable', 'the paths of its ancestors are too long');
    const [own, ...others] = await Promise.all(
      [facts.executable, ...ancestors].map((one) => this.#identify(one)),
    );
    for (const found of [own!, ...others])
      if (!found.ok && found.error.changed)
        return problem('binary_changed', `binary integrity check failed: ${found.error.detail}`);
    if (!own!.ok) return problem('identity_unavailable', own!.error.detail);
    const known = others.map((found, i): ExecutableIdentity => {
      return found.ok ? found.value : { path: ancestors[i]!.path, sha256: null };
    });
    return ok({ pid: facts.pid, executable: own!.value, ancestors: known });
  }

  async #identify(
    facts: ExecutableFacts,
  ): Promise<Result<ExecutableIdentity, { readonly changed: boolean; readonly detail: string }>> {
    const { path } = facts;
    if (!ABSOLUTE.test(path))
      return err({ changed: false, detail: `the program ${shown(path)} has no usable path` });
    const hashed = await this.#hash.of(facts);
    if (!hashed.ok) {
      const { kind, detail } = hashed.error;
      return err({ changed: kind === 'changed', detail: `the program ${shown(path)} ${detail}` });
    }
    const pinned = this.#pins.get(path);
    if (pinned === undefined) {
      if (this.#pins.size >= this.#limits.pinnedPaths)
        return err({
          changed: false,
          detail: `the sandbox has run more than ${this.#limits.pinnedPaths} programs`,
        });
      this.#pins.set(path, hashed.value);
    } else if (pinned !== hashed.value) {
      return err({ changed: true, detail: `${shown(path)} has other content than when it was first used` });
    }
    return ok({ path, sha256: hashed.value });
  }
}

const referenceOf = (facts: ProcessFacts, ancestors: readonly ExecutableFacts[]): ProcessReference => ({
  pid: facts.pid,
  exe: facts.executable.path,
  sha256: null,
  ancestors: ancestors.map(({ path }) => path),
});
