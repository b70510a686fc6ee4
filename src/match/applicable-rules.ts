/** The rules that may be about one request: those of endpoints whose selector matches, as far as they mean the program. */
import type { MessageRules } from '../plan/messages.ts';
import type { AskedItem } from './asked.ts';
import type { IndexedEndpoint } from './egress-index.ts';
import type { Grants } from './grants.ts';
import { earlier, type PlacedRule } from './placed-rule.ts';
import type { RequestFacts } from './request-facts.ts';
import type { RequestGroup, RequestIndex } from './request-index.ts';

export interface Member {
  readonly group: RequestGroup;
  /** The first endpoint of the group that is meant for the program. */
  readonly owner: IndexedEndpoint;
}

export class ApplicableRules {
  readonly facts: RequestFacts;
  readonly #members: readonly Member[];
  readonly #chosen: RequestGroup;
  readonly #denying: ReadonlySet<RequestGroup>;
  readonly #readings: readonly (readonly string[])[];
  readonly #grants: Grants;
  readonly #visit: (() => void) | undefined;

  constructor(
    tables: readonly RequestIndex[],
    members: readonly Member[],
    chosen: RequestGroup,
    facts: RequestFacts,
    grants: Grants,
    visit?: () => void,
  ) {
    this.facts = facts;
    // Rules of another protocol judge something else; an endpoint without `allow_encoded_slash` allows no such path.
    this.#members = members.filter(
      ({ group: { like } }) =>
        like.protocol === chosen.like.protocol && (!facts.encodedSlash || like.allowEncodedSlash),
    );
    this.#chosen = chosen;
    const { components, lenient, boldest } = facts;
    this.#readings = [components, lenient, boldest].filter((reading) => reading !== null);
    this.#denying = new Set(
      tables.flatMap(({ denying }) =>
        this.#readings.flatMap((reading) => denying.find(reading, visit).flatMap((some) => [...some])),
      ),
    );
    this.#grants = grants;
    this.#visit = visit;
  }

  deniedHead(): PlacedRule | null {
    let found: PlacedRule | null = null;
    for (const { deny } of this.#denying)
      for (const reading of this.#readings)
        found = earlier(found, deny.first(reading, this.facts, this.#grants, this.#visit));
    return found;
  }

  allowedHead(): PlacedRule | null {
    let found: PlacedRule | null = null;
    for (const { group } of this.#members)
      found = earlier(found, group.allow.first(this.facts.components, this.facts, this.#grants, this.#visit));
    return found;
  }

  /** How what is asked for is found; null: it is no matter of the rules. Of WebSocket, only text messages ask for anything. */
  reading(): MessageRules | null {
    const { like, reading } = this.#chosen;
    if (like.protocol === 'websocket' && this.facts.method !== 'WEBSOCKET_TEXT') return null;
    if (reading !== null) return reading;
    for (const { group } of this.#members) if (group.reading !== null) return group.reading;
    for (const group of this.#denyingAlike()) if (group.reading !== null) return group.reading;
    return null;
  }

  deniedItem(item: AskedItem): PlacedRule | null {
    let found: PlacedRule | null = null;
    for (const { denyMessages } of this.#denyingAlike())
      found = earlier(found, denyMessages.first(item, this.#grants, this.#visit));
    return found;
  }

  allowedItem(item: AskedItem): PlacedRule | null {
    let found: PlacedRule | null = null;
    for (const { group } of this.#members)
      found = earlier(found, group.allowMessages.first(item, this.#grants, this.#visit));
    return found;
  }

  /** Whether deny rules are about what such requests ask for. */
  get deniesItems(): boolean {
    return this.#denyingAlike().some(({ denyMessages }) => !denyMessages.isEmpty);
  }

  /** Rules of another protocol are about something that is not read here. */
  #denyingAlike(): RequestGroup[] {
    return [...this.#denying].filter(({ like }) => like.protocol === this.#chosen.like.protocol);
  }
}
