/** The body of a request over HTTP/2: a stream of its own, so that its end, or whoever destroys it, leaves the answer alone. */
import type { ServerHttp2Stream } from 'node:http2';
import { Readable } from 'node:stream';

export class Http2Body extends Readable {
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream) {
    super();
    this.#stream = stream;
    let ended = false;
    stream.on('data', (chunk: Buffer) => {
      if (!this.destroyed && !this.push(chunk)) stream.pause();
    });
    stream.once('end', () => {
      ended = true;
      if (!this.destroyed) this.push(null);
    });
    stream.once('close', () => {
      if (!ended) this.destroy(new Error('the client broke the request off'));
    });
    stream.pause();
  }

  override _read(): void {
    this.#stream.resume();
  }

  /** What still comes is dropped: the client may go on sending when its answer is complete. */
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#stream.resume();
    callback(error);
  }
}
