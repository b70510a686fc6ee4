/** The way back of an answer whose server was sent a credential: what of it is in head, body and trailers is masked. */
import type { Readable, Transform } from 'node:stream';
import { maskAnswer } from '../../inject/answer.ts';
import type { Mask } from '../../inject/mask.ts';
import type { Refused } from '../authorise.ts';
import type { ClientExchange, WholeAnswer } from './client-exchange.ts';

export class MaskedExchange implements ClientExchange {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly body: Readable | null;
  readonly contentLength: string | null;
  readonly expectsContinue: boolean;
  readonly #client: ClientExchange;
  readonly #mask: Mask;
  #stages: readonly Transform[] = [];
  #trailers: readonly (readonly [string, string])[] = [];
  #onDrain: () => void = () => {};

  constructor(client: ClientExchange, mask: Mask) {
    this.#client = client;
    this.#mask = mask;
    this.method = client.method;
    this.target = client.target;
    this.headers = client.headers;
    this.body = client.body;
    this.contentLength = client.contentLength;
    this.expectsContinue = client.expectsContinue;
    client.onClose(() => {
      for (const stage of this.#stages) stage.destroy();
    });
  }

  get begun(): boolean {
    return this.#client.begun;
  }

  sendContinue(): void {
    this.#client.sendContinue();
  }

  inform(status: number, phrase: string, headers: readonly string[]): void {
    this.#client.inform(status, this.#mask.text(phrase), this.#mask.headers(headers));
  }

  begin(status: number, phrase: string, headers: readonly string[], whole = false): void {
    const masked = maskAnswer(this.#mask, { status, phrase, headers, method: this.method });
    if (!masked.ok) throw new Error(`the server's answer is not passed on: ${masked.error}`);
    this.#client.begin(status, masked.value.phrase, masked.value.headers, whole);
    this.#stages = whole ? [] : masked.value.body;
    this.#connect();
  }

  #connect(): void {
    const [first] = this.#stages;
    const last = this.#stages.at(-1);
    if (first === undefined || last === undefined) return;
    for (const [i, stage] of this.#stages.entries()) {
      // A coding that is broken: the client cannot take what it has for the whole.
      stage.on('error', () => this.#client.abort());
      const next = this.#stages[i + 1];
      if (next !== undefined) stage.pipe(next);
    }
    first.on('drain', () => this.#onDrain());
    last.on('data', (chunk: Buffer) => {
      if (!this.#client.write(chunk)) last.pause();
    });
    last.on('end', () => this.#client.end(this.#trailers));
    this.#client.onDrain(() => last.resume());
  }

  write(chunk: Buffer): boolean {
    const [first] = this.#stages;
    if (first === undefined) return this.#client.write(chunk);
    return first.destroyed || first.write(chunk);
  }

  end(trailers: readonly (readonly [string, string])[]): void {
    // A name that was a secret is no name any more.
    this.#trailers = trailers
      .filter(([name]) => this.#mask.text(name) === name)
      .map(([name, value]) => [name, this.#mask.text(value)] as const);
    const [first] = this.#stages;
    if (first === undefined) this.#client.end(this.#trailers);
    else first.end();
  }

  abort(): void {
    this.#client.abort();
  }

  refuse(refused: Refused): void {
    this.#client.refuse(refused);
  }

  /** Of openshell itself: no server's word is in it. */
  answer(whole: WholeAnswer): void {
    this.#client.answer(whole);
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener;
    this.#client.onDrain(() => {
      if (this.#stages.length === 0) listener();
    });
  }

  onClose(listener: () => void): void {
    this.#client.onClose(listener);
  }
}
