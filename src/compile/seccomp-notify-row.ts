/** How the warden finds what to do with a notification (launcher): the first row that fits. */
import type { Call } from '../bpf/filter.ts';
import type { NotifyRow } from '../plan/plan.ts';

/** Conditions of a row look at the low 32 bits of an argument. */
export function fitsRow(row: NotifyRow, call: Call): boolean {
  if (row.arch !== null && row.arch !== call.arch) return false;
  if (row.nr !== null && row.nr !== call.nr) return false;
  return row.questions.every(({ index, mask, value }) => {
    const low = BigInt.asUintN(32, call.args[index] ?? 0n);
    return (low & BigInt(mask)) === BigInt(value);
  });
}

/** The row that decides; there is always one, since the last fits every call. */
export const notifyRowFor = (rows: readonly NotifyRow[], call: Call): NotifyRow | undefined =>
  rows.find((row) => fitsRow(row, call));
