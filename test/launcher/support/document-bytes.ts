/** Finds and changes single values in an encoded document, to make plans that the compiler never would. */
import { type Fields, SECTIONS, type SectionName } from '../../../src/plan/wire.ts';

export const HEADER = 24;
export const ENTRY = 16;

export interface Entry {
  readonly kind: number;
  readonly count: number;
  readonly size: number;
  readonly offset: number;
}

const WIDTHS = { u8: 1, u16: 2, u32: 4, u64: 8, string: 8 } as const;

export function entriesOf(document: Uint8Array): Entry[] {
  const view = viewOf(document);
  return Array.from({ length: view.getUint32(8, true) }, (_, i) => {
    const at = HEADER + ENTRY * i;
    const [kind, count, size, offset] = [0, 4, 8, 12].map((more) => view.getUint32(at + more, true)) as [
      number,
      number,
      number,
      number,
    ];
    return { kind, count, size, offset };
  });
}

/** A copy with one field of one row set. A string is given as the numbers of its offset and length. */
export function withField(
  document: Uint8Array,
  section: SectionName,
  row: number,
  field: string,
  value: number | bigint | readonly [offset: number, length: number],
): Uint8Array {
  const copy = Uint8Array.from(document);
  const view = viewOf(copy);
  const entry = entriesOf(copy).find(({ kind }) => kind === SECTIONS[section].kind);
  if (entry === undefined || row >= entry.count) throw new Error(`no row ${row} in section ${section}`);
  let at = entry.offset + row * entry.size;
  for (const [name, type] of Object.entries(SECTIONS[section].fields as Fields)) {
    if (name === field) {
      if (typeof value === 'object') {
        view.setUint32(at, value[0], true);
        view.setUint32(at + 4, value[1], true);
      } else if (type === 'u64') view.setBigUint64(at, BigInt(value), true);
      else if (type === 'u32') view.setUint32(at, Number(value), true);
      else if (type === 'u16') view.setUint16(at, Number(value), true);
      else view.setUint8(at, Number(value));
      return copy;
    }
    at += WIDTHS[type];
  }
  throw new Error(`section ${section} has no field ${field}`);
}

/** A copy with a 32-bit word set. */
export function withWord(document: Uint8Array, at: number, value: number): Uint8Array {
  const copy = Uint8Array.from(document);
  viewOf(copy).setUint32(at, value >>> 0, true);
  return copy;
}

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
