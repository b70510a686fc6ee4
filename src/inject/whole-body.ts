/** Reads a body to its end when it is short, so that its length can be told. */
import { Readable } from 'node:stream';

export type Body =
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  /** Longer than asked for: everything, from the beginning. */
  | { readonly kind: 'longer'; readonly stream: Readable };

/** @param most bytes that are held; one piece more may be. Rejects with the stream's error. */
export async function wholeBody(stream: Readable, most: number): Promise<Body> {
  const pieces: Buffer[] = [];
  let length = 0;
  const rest = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (;;) {
    const next = await rest.next();
    if (next.done === true) return { kind: 'whole', bytes: Buffer.concat(pieces) };
    pieces.push(next.value);
    length += next.value.length;
    if (length <= most) continue;
    return { kind: 'longer', stream: Readable.from(all(pieces, rest), { objectMode: false }) };
  }
}

async function* all(pieces: Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield* pieces.splice(0);
  try {
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
