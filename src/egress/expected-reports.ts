/**
 * What the launcher will still report about connects that were let through. A connection or datagram can arrive before
 * the report about its sender: whoever was let through by then is waited for.
 */
interface Expected<T> {
  readonly value: T;
  readonly settle: () => void;
  readonly settled: Promise<void>;
}

/** More calls than the launcher lets wait at once: what is older will not be reported any more. */
const MAX_EXPECTED = 4096;

export class ExpectedReports<T> {
  readonly #patienceMs: number;
  readonly #byId = new Map<bigint, Expected<T>>();

  /** @param patienceMs a report that takes longer is waited for no more */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  get size(): number {
    return this.#byId.size;
  }

  expect(id: bigint, value: T): void {
    let settle = (): void => {};
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    this.take(id);
    this.#byId.set(id, { value, settle, settled });
    if (this.#byId.size > MAX_EXPECTED) this.take(this.#byId.keys().next().value!);
  }

  /** The report about `id` has come; undefined when none was expected. Who waits goes on after the caller's own turn. */
  take(id: bigint): T | undefined {
    const expected = this.#byId.get(id);
    this.#byId.delete(id);
    expected?.settle();
    return expected?.value;
  }

  /** When everything that is expected now was reported, or is late. */
  async reported(): Promise<void> {
    if (this.#byId.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#patienceMs);
    });
    await Promise.race([Promise.all([...this.#byId.values()].map(({ settled }) => settled)), late]);
    clearTimeout(timer);
  }

  /** Nobody is waited for any more. */
  close(): void {
    for (const { settle } of this.#byId.values()) settle();
    this.#byId.clear();
  }
}
