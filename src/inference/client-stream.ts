/** The client's side of one answer: whether it is still there, and when it takes more. */
import { STATUS_CODES } from 'node:http';
import type { ClientExchange } from '../http/inspected/client-exchange.ts';

type Headers = ReadonlyMap<string, string>;

export class ClientStream {
  readonly #client: ClientExchange;
  readonly #left = new AbortController();
  #ended = false;
  #wake: ((open: boolean) => void) | null = null;

  constructor(client: ClientExchange) {
    this.#client = client;
    client.onDrain(() => this.#wake?.(true));
    client.onClose(() => {
      if (!this.#ended) this.#left.abort();
      this.#wake?.(false);
    });
  }

  /** Aborted when the client leaves before its answer has ended. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  get gone(): boolean {
    return this.#left.signal.aborted;
  }

  /** The status was sent: no other answer can take its place. */
  get begun(): boolean {
    return this.#client.begun;
  }

  begin(status: number, headers: Headers): void {
    if (!this.gone) this.#client.begin(status, STATUS_CODES[status] ?? '', [...headers].flat());
  }

  /** False: the client left, or took nothing for so long. */
  write(bytes: Buffer, answerIdleMs: number): Promise<boolean> {
    if (this.gone) return Promise.resolve(false);
    if (this.#client.write(bytes)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.abort();
        this.#wake?.(false);
      }, answerIdleMs);
      this.#wake = (open) => {
        clearTimeout(timer);
        this.#wake = null;
        resolve(open);
      };
    });
  }

  end(last = ''): void {
    if (last !== '') this.#client.write(Buffer.from(last));
    this.#ended = true;
    this.#client.end([]);
  }

  answer(status: number, headers: Headers, body: Buffer, last = false): void {
    this.#ended = true;
    this.#client.answer({ status, headers: [...headers].flat(), body, last });
  }

  abort(): void {
    this.#left.abort();
    this.#client.abort();
  }
}
