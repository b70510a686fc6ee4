/**
 * A value, or the promise of one, for what nearly always is there: `soon instanceof Promise ? await soon : soon`. A turn
 * of the queue of promises costs more than most decisions do.
 */
export type Soon<T> = T | Promise<T>;
