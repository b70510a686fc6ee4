/** Reads one side as fast as what is read can be dealt with: one chunk is in hand, and the side waits meanwhile. */
import type { Duplex } from 'node:stream';

export interface Reader {
  /** Begins with a chunk. */
  push(chunk: Buffer): void;
  /** Deals with the next piece of it; false: there is none. A promise: nothing more until it settles. */
  step(): boolean | Promise<void>;
  /** Before and after steps that follow each other without a wait, so that what they write can go together. */
  cork(): void;
  uncork(): void;
  /** The side has sent its last byte. */
  ended(): void;
  /** Dealing with a piece failed, which is a defect. */
  failed(error: unknown): void;
}

export class Inlet {
  readonly #source: Duplex;
  readonly #reader: Reader;
  #busy = false;
  #ended = false;
  readonly #queue: Buffer[] = [];

  /** @param head what was read of the side before */
  constructor(source: Duplex, head: Buffer, reader: Reader) {
    this.#source = source;
    this.#reader = reader;
    if (head.length > 0) this.#queue.push(head);
  }

  start(): void {
    this.#source.on('data', (chunk: Buffer) => {
      this.#queue.push(chunk);
      if (!this.#busy) this.#run();
    });
    this.#source.once('end', () => {
      this.#ended = true;
      if (!this.#busy) this.#reader.ended();
    });
    if (this.#queue.length > 0) this.#run();
  }

  #run(): void {
    try {
      for (let chunk = this.#queue.shift(); chunk !== undefined; chunk = this.#queue.shift()) {
        this.#reader.push(chunk);
        if (!this.#finish()) return;
      }
    } catch (error) {
      this.#reader.failed(error);
    }
  }

  /** False: somebody has to be waited for. */
  #finish(): boolean {
    const wait = this.#steps();
    if (wait === null) return true;
    this.#busy = true;
    this.#source.pause();
    wait.then(
      () => this.#goOn(),
      (error: unknown) => this.#reader.failed(error),
    );
    return false;
  }

  #steps(): Promise<void> | null {
    this.#reader.cork();
    try {
      for (;;) {
        const step = this.#reader.step();
        if (step === false) return null;
        if (step !== true) return step;
      }
    } finally {
      this.#reader.uncork();
    }
  }

  #goOn(): void {
    this.#busy = false;
    try {
      if (!this.#finish()) return;
    } catch (error) {
      this.#reader.failed(error);
      return;
    }
    this.#run();
    if (this.#busy) return;
    if (this.#ended) this.#reader.ended();
    else this.#source.resume();
  }
}
