/** Refusals on standard error, for the person who runs it: each distinct one once, while it runs or after it. */
import type { OpenshellEvent } from '../event/event.ts';
import { denialMessage, messageKey } from '../event/message.ts';
import type { Receiver } from './sink.ts';

/** Distinct refusals that are told apart; more are only counted. */
const MAX_LINES = 100;

export interface PrinterOptions {
  readonly policyFile: string | null;
  /** The terminal belongs to the program: say nothing until it has ended. */
  readonly afterwards: boolean;
  /** Whether a refusal is one that programs probe for and fall back from: not worth a line. */
  readonly isQuiet: (event: OpenshellEvent) => boolean;
  readonly write: (line: string) => void;
}

export class DenialPrinter implements Receiver {
  readonly denialsOnly = true;
  readonly #options: PrinterOptions;
  readonly #lines = new Map<string, { text: string; count: number }>();
  #untold = 0;

  constructor(options: PrinterOptions) {
    this.#options = options;
  }

  receive(event: OpenshellEvent): void {
    if (event.type !== 'denial' || this.#options.isQuiet(event)) return;
    const key = messageKey(event);
    const known = this.#lines.get(key);
    if (known !== undefined) {
      known.count += event.count;
      return;
    }
    if (this.#lines.size >= MAX_LINES) {
      this.#untold += event.count;
      return;
    }
    const text = denialMessage(event, this.#options.policyFile);
    this.#lines.set(key, { text, count: event.count });
    if (!this.#options.afterwards) this.#options.write(`openshell: ${text}`);
  }

  /** After the program: what was kept back, or how many more there were. */
  finish(): void {
    if (this.#options.afterwards) {
      for (const { text, count } of this.#lines.values()) {
        this.#options.write(`openshell: ${text}${count > 1 ? ` (${count} times)` : ''}`);
      }
    }
    if (this.#untold > 0)
      this.#options.write(`openshell: ${this.#untold} further refusals; \`--events FILE\` records them all`);
  }
}
