/**
 * What was allowed past the proxy, by the tokens under which the warden knows it: the events of verdicts that it may give
 * again, and what a later policy is asked about connections that stand by them. Equal verdicts have one token.
 */
import type { Standing } from '../egress/standing.ts';
import type { Draft } from '../event/event.ts';
import { MAX_KEPT } from '../plan/wire.ts';

/** The warden reports uses in batches, soon after (launcher/verdicts.c). */
const REPORT_MS = 10_000;
const MAX_TOKEN = 2 ** 32 - 1;

interface Verdict {
  readonly key: string;
  readonly standing: Standing;
  event: Draft;
  until: number;
}

export interface Remembered {
  readonly token: number;
  /** How long the warden may give it again, in milliseconds; 0: this once. */
  readonly ttlMs: number;
}

export class RememberedVerdicts {
  readonly #now: () => number;
  readonly #limit: number;
  readonly #tokens = new Map<string, number>();
  /** Least recently given first. */
  readonly #verdicts = new Map<number, Verdict>();
  #next = 1;

  /** @param now milliseconds */
  constructor(now: () => number = Date.now, limit = MAX_KEPT) {
    this.#now = now;
    this.#limit = limit;
  }

  /** Connections by what is forgotten, since there are too many verdicts, end with the next change of policy. */
  keep(standing: Standing, event: Draft, ttlMs: number): Remembered {
    const now = this.#now();
    const until = now + ttlMs + REPORT_MS;
    const key = keyOf(standing);
    const known = this.#tokens.get(key);
    if (known !== undefined) {
      const verdict = this.#verdicts.get(known)!;
      this.#verdicts.delete(known);
      this.#verdicts.set(known, { ...verdict, event, until });
      return { token: known, ttlMs };
    }
    const token = this.#next;
    this.#next = (this.#next % MAX_TOKEN) + 1;
    if (this.#verdicts.size >= this.#limit && !this.#forgetOldest(now)) return { token, ttlMs: 0 };
    this.#tokens.set(key, token);
    this.#verdicts.set(token, { key, standing, event, until });
    return { token, ttlMs };
  }

  find(token: number): Draft | null {
    return this.#verdicts.get(token)?.event ?? null;
  }

  /** The tokens of what may go on. The others are known until they are dropped: uses of them may still be reported. */
  sort(mayGoOn: (standing: Standing) => boolean): { readonly kept: number[]; readonly dropped: number[] } {
    const kept: number[] = [];
    const dropped: number[] = [];
    for (const [token, { key, standing }] of this.#verdicts) {
      if (mayGoOn(standing)) kept.push(token);
      else {
        dropped.push(token);
        this.#tokens.delete(key); // allowed once more by a third policy, it is another verdict
      }
    }
    return { kept, dropped };
  }

  drop(tokens: readonly number[]): void {
    for (const token of tokens) this.#verdicts.delete(token);
  }

  /** False: uses of it may still be reported. */
  #forgetOldest(now: number): boolean {
    const [[token, { key, until }]] = this.#verdicts as unknown as [[number, Verdict]];
    if (until > now) return false;
    this.#verdicts.delete(token);
    if (this.#tokens.get(key) === token) this.#tokens.delete(key);
    return true;
  }
}

/** Process numbers do not matter: two processes of one program, started by the same programs, are judged alike. */
const keyOf = ({ host, port, address, identity, inspected }: Standing): string =>
  JSON.stringify([
    host.text,
    port,
    address.text,
    inspected,
    [identity.executable, ...identity.ancestors].map(({ path, sha256 }) => [path, sha256]),
  ]);
