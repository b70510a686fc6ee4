/** Payloads of permessage-deflate, each by itself (RFC 7692, section 7.2). */
import { constants, deflateRaw, type InflateRaw, inflateRaw } from 'node:zlib';
import { err, ok, type Result } from '../../base/result.ts';

/** What every compressed message ends with, and none is sent with. */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
/** An empty block, which is left over where a sender ended its last block for good (RFC 7692, section 7.2.3.4). */
const EMPTY_BLOCK = Buffer.concat([Buffer.from([0x00]), TAIL]);

/** Never holds more than `maximum` bytes and what zlib needs. */
export function inflateMessage(
  compressed: Uint8Array,
  maximum: number,
): Promise<Result<Buffer, 'too_large' | 'malformed'>> {
  const input = Buffer.concat([compressed, TAIL]);
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: Math.max(1, maximum), info: true };
  return new Promise((resolve) => {
    inflateRaw(input, options, (error, result) => {
      if (error !== null) {
        const large = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
        return resolve(err(large ? 'too_large' : 'malformed'));
      }
      const { buffer, engine } = result as unknown as { buffer: Buffer; engine: InflateRaw };
      const rest = input.subarray(engine.bytesWritten);
      // What zlib did not look at, a server might: then it would read more than what was judged.
      resolve(rest.length === 0 || rest.equals(EMPTY_BLOCK) ? ok(buffer) : err('malformed'));
    });
  });
}

/** @param windowBits 9 to 15: what zlib calls 8 is no smaller than 9 */
export function deflateMessage(message: Uint8Array, windowBits = 15): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    deflateRaw(message, { finishFlush: constants.Z_SYNC_FLUSH, windowBits }, (error, bytes) => {
      if (error === null) resolve(bytes.subarray(0, -TAIL.length));
      else reject(error);
    });
  });
}
