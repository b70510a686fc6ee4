/** Memory of buffers that are in use, whatever the collector has left lying about. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes, after a collection: it takes some milliseconds. */
export function liveBuffers(): number {
  collect();
  return process.memoryUsage().arrayBuffers;
}
