/**
 * A request's body for whoever sends it on. Senders destroy the body of a request that failed, and with Node's own
 * stream the client's connection would go, and the answer that says why.
 */
import { Readable } from 'node:stream';

export class LentBody extends Readable {
  readonly #from: Readable;
  #begun = false;
  readonly #take = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#from.pause();
  };
  readonly #end = (): void => {
    // It closes next, perhaps before all that was taken is read.
    this.#from.off('close', this.#lose);
    this.push(null);
  };
  readonly #lose = (): void => void this.destroy(new Error('the client broke off the request'));

  /** Nothing is read from it before somebody reads from this. */
  constructor(from: Readable) {
    super();
    this.#from = from;
    // Whoever sends it listens too; nobody may yet.
    this.on('error', () => {});
  }

  override _read(): void {
    const from = this.#from;
    if (!this.#begun) {
      this.#begun = true;
      from.on('data', this.#take);
      from.once('end', this.#end);
      from.once('error', this.#lose);
      from.once('close', this.#lose);
      if (from.destroyed && !from.readableEnded) this.#lose();
    }
    from.resume();
  }

  /** What is left of it stays where it is. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const from = this.#from;
    from.off('data', this.#take);
    from.off('end', this.#end);
    from.off('close', this.#lose);
    // Its listener for errors stays: one that nobody hears is thrown.
    if (this.#begun && !from.readableEnded) from.pause();
    done(error);
  }
}
