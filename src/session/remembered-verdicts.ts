/** The events of verdicts that the warden may give again, by the tokens under which it reports that it did. */
import type { Draft } from '../event/event.ts';

/** The warden reports uses in batches, soon after (launcher/verdicts.c). */
const REPORT_MS = 10_000;
/** Verdicts that are remembered at once; the warden has fewer places. */
const MAX_VERDICTS = 8192;
const TOKENS = 2 ** 32;

export class RememberedVerdicts {
  readonly #now: () => number;
  readonly #events = new Map<number, { readonly event: Draft; readonly until: number }>();
  #next = 1;

  /** @param now milliseconds */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The token for a verdict that holds for `ttlMs`; null: there are too many, so this one may be given once only. */
  keep(event: Draft, ttlMs: number): number | null {
    const now = this.#now();
    // In the order of their ends, since all hold equally long.
    for (const [token, { until }] of this.#events) {
      if (until > now) break;
      this.#events.delete(token);
    }
    if (this.#events.size >= MAX_VERDICTS) return null;
    const token = this.#next;
    this.#next = (this.#next + 1) % TOKENS;
    this.#events.set(token, { event, until: now + ttlMs + REPORT_MS });
    return token;
  }

  find(token: number): Draft | null {
    return this.#events.get(token)?.event ?? null;
  }
}
