/** "Did you mean": the nearest of some words, by edit distance. */

const MAX_WORD = 40;

/**
 * The known word nearest to `word`: at most one edit for three characters, never more than three. Letter case and the
 * difference between `-`, `_` and blanks do not count. Null when none is near, and for numbers and dates.
 */
export function nearest(word: string, known: readonly string[]): string | null {
  if (word.length > MAX_WORD || !/[a-z]/i.test(word)) return null;
  const folded = fold(word);
  const limit = Math.min(3, Math.ceil(folded.length / 3));
  let best: string | null = null;
  let bestDistance = limit + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - folded.length) >= bestDistance) continue;
    const distance = editDistance(folded, fold(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

const fold = (word: string): string => word.toLowerCase().replace(/[\s_-]+/g, '_');

/** Damerau-Levenshtein distance (optimal string alignment): insert, delete, replace, swap neighbours. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
