/**
 * Takes event drafts, gives each its number and time, merges equal refusals of one second and hands them on. The same
 * order for every receiver; nothing is lost, and nothing counted twice (INV-04). A program that makes ever new refusals
 * gets a bounded number of events in each second.
 */
import { type Draft, EVENT_VERSION, type OpenshellEvent } from '../event/event.ts';

export interface Receiver {
  receive(event: OpenshellEvent): void;
  /** It wants refusals only. */
  readonly denialsOnly: boolean;
}

const MERGE_MS = 1000;
/** Different refusals that wait to be merged; what comes beyond is told by its reason and rule alone. */
const MAX_WAITING = 256;

interface Waiting {
  readonly draft: Draft;
  readonly time: number;
  count: number;
  readonly timer: NodeJS.Timeout;
}

const keyOf = ({ layer, reason, rule, subject, process }: Draft): string =>
  JSON.stringify([layer, reason, rule, subject, process?.exe]);

/** Layers, reasons and rules are few, and not the program's to choose. */
const folded = (draft: Draft): Draft => ({
  ...draft,
  subject: { kind: 'many', of: draft.subject.kind },
  process: null,
});

export class EventSink {
  readonly #sandbox: string;
  readonly #all: readonly Receiver[];
  /** Those that want whatever happens. */
  readonly #others: readonly Receiver[];
  readonly #waiting = new Map<string, Waiting>();
  #seq = 0;
  #denials = 0;

  constructor(sandbox: string, receivers: readonly Receiver[]) {
    this.#sandbox = sandbox;
    this.#all = receivers;
    this.#others = receivers.filter(({ denialsOnly }) => !denialsOnly);
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
    if (this.#count(draft)) return;
    this.#wait(this.#waiting.size < MAX_WAITING || draft.layer === 'limits' ? draft : folded(draft));
  }

  /** Whether an equal one waits, which now stands for this one as well. */
  #count(draft: Draft): boolean {
    const known = this.#waiting.get(keyOf(draft));
    if (known !== undefined) known.count += draft.count;
    return known !== undefined;
  }

  #wait(draft: Draft): void {
    if (this.#count(draft)) return;
    const key = keyOf(draft);
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
    const takers = draft.type === 'denial' ? this.#all : this.#others;
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
