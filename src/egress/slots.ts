/** Runs at most `size` tasks at once and lets at most `waiting` more queue, first come, first served. */
export class Slots {
  readonly #size: number;
  readonly #waiting: number;
  #running = 0;
  readonly #queue: (() => void)[] = [];

  constructor(size: number, waiting: number) {
    this.#size = size;
    this.#waiting = waiting;
  }

  /** Null when the queue is full: the task was not started. */
  run<T>(task: () => Promise<T>): Promise<T> | null {
    if (this.#running < this.#size) return this.#start(task);
    if (this.#queue.length >= this.#waiting) return null;
    return new Promise((resolve, reject) => {
      this.#queue.push(() => this.#start(task).then(resolve, reject));
    });
  }

  async #start<T>(task: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await task();
    } finally {
      this.#running -= 1;
      this.#queue.shift()?.();
    }
  }
}
