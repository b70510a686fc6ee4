/** A timer for any time: Node's own fires at once beyond 2^31-1 ms, some 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/** Returns what stops it. */
export function startTimer(ms: number, fire: () => void): () => void {
  let left = ms;
  let timer: NodeJS.Timeout;
  const next = (): void => {
    const step = Math.min(left, LONGEST_MS);
    left -= step;
    timer = setTimeout(left > 0 ? next : fire, step);
  };
  next();
  return () => clearTimeout(timer);
}
