import { describe, expect, it } from 'vitest';
import { encodePlan, encodeRequest } from '../../src/plan/encode.ts';
import { ENUMS, encodeDocument, type FieldType, rowSize, SECTIONS } from '../../src/plan/wire.ts';
import { compiled } from '../compile/compiled.ts';

const text = (value: string): Uint8Array => Buffer.from(value, 'utf8');
const ALIGNMENT: Readonly<Record<FieldType, number>> = { u8: 1, u16: 2, u32: 4, u64: 8, string: 4 };

describe('the wire format', () => {
  it.each(Object.entries(SECTIONS))('lays section %s out so that C adds no padding', (_name, { fields }) => {
    let at = 0;
    for (const type of Object.values(fields) as FieldType[]) {
      expect(at % ALIGNMENT[type]).toBe(0);
      at += rowSize({ field: type });
    }
    const widest = Math.max(...(Object.values(fields) as FieldType[]).map((type) => ALIGNMENT[type]));
    expect(at % widest).toBe(0);
  });

  it.each(Object.entries(ENUMS))('gives every name of %s a number of its own', (_name, values) => {
    expect(new Set(Object.values(values)).size).toBe(Object.keys(values).length);
  });

  it('keeps equal strings once, each with a NUL behind it', () => {
    const one = encodeDocument({ argument: [{ text: 'same' }, { text: 'same' }] }, text);
    const other = encodeDocument({ argument: [{ text: 'same' }, { text: 'none' }] }, text);
    expect(other.length - one.length).toBe(5);
    expect(one.at(-1)).toBe(0);
  });

  it('INV-02 encodes equal plans to equal bytes', () => {
    expect(Buffer.from(encodePlan(compiled(null), text))).toEqual(
      Buffer.from(encodePlan(compiled(null), text)),
    );
  });

  it('refuses more than the launcher takes', () => {
    const request = {
      command: ['x'.repeat(5 * 1024 * 1024)] as [string],
      environment: [],
      searchPath: '',
      terminal: false,
      cgroup: null,
    };
    expect(() => encodeRequest(request, text)).toThrow('larger than');
  });
});
