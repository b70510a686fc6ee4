/**
 * Takes event drafts, gives each its number and time, merges equal refusals of one second and hands them on. The same
 * order for every receiver; nothing is lost, and nothing counted twice (INV-04).
 */
import { type Draft, EVENT_VERSION, type OpenshellEvent } from '../event/event.ts';

export interface Receiver {
  receive(event: OpenshellEvent): void;
  /** It wants refusals only. */
  readonly denialsOnly: boolean;
}

const MERGE_MS = 1000;
/** Different refusals that wait to be merged; the oldest goes out when more come. */
const MAX_WAITING = 256;

interface Waiting {
  readonly draft: Draft;
  readonly time: number;
  count: number;
  readonly timer: NodeJS.Timeout;
}

export class EventSink {
  readonly #sandbox: string;
  readonly #receivers: readonly Receiver[];
  readonly #waiting = new Map<string, Waiting>();
  #seq = 0;
  #denials = 0;

  constructor(sandbox: string, receivers: readonly Receiver[]) {
    this.#sandbox = sandbox;
    this.#receivers = receivers;
  }

  /** How many refusals were counted so far. */
  get denials(): number {
    return this.#denials;
  }

  emit(draft: Draft): void {
    if (draft.type !== 'denial') {
      this.#hand(draft, Date.now(), draft.count);
      return;
    }
    this.#denials += draft.count;
    const key = JSON.stringify([draft.layer, draft.reason, draft.rule, draft.subject, draft.process?.exe]);
    const known = this.#waiting.get(key);
    if (known !== undefined) {
      known.count += draft.count;
      return;
    }
    if (this.#waiting.size >= MAX_WAITING) this.#release(this.#waiting.keys().next().value!);
    const timer = setTimeout(() => this.#release(key), MERGE_MS);
    timer.unref();
    this.#waiting.set(key, { draft, time: Date.now(), count: draft.count, timer });
  }

  /** Hands on everything that still waits: before the exit event. */
  flush(): void {
    for (const key of [...this.#waiting.keys()]) this.#release(key);
  }

  #release(key: string): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(key);
    this.#hand(waiting.draft, waiting.time, waiting.count);
  }

  #hand(draft: Draft, time: number, count: number): void {
    this.#seq += 1;
    const takers = this.#receivers.filter(({ denialsOnly }) => !denialsOnly || draft.type === 'denial');
    if (takers.length === 0) return;
    const event: OpenshellEvent = {
      v: EVENT_VERSION,
      time: new Date(time).toISOString(),
      seq: this.#seq,
      sandbox: this.#sandbox,
      ...draft,
      count,
    };
    for (const taker of takers) taker.receive(event);
  }
}
