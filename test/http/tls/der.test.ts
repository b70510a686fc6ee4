import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as der from '../../../src/http/tls/der.ts';

/** What another reader of DER finds: a line for each value, with its depth, its type and its contents. */
function read(bytes: Uint8Array): string[] {
  const { stdout, stderr } = spawnSync('openssl', ['asn1parse', '-inform', 'DER'], {
    input: bytes,
    encoding: 'utf8',
  });
  if (stderr !== '') throw new Error(stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) =>
      line
        .replace(/^ *\d+:d=(\d+) +hl=\d+ +l= *\d+ (?:prim|cons): /, '$1 ')
        .replace(/\s+/g, ' ')
        .trim(),
    );
}
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const openssl = spawnSync('openssl', ['version']).status === 0;

describe('DER', () => {
  it.each([
    ['a short length', der.octetString(Buffer.alloc(0x7f)), '047f'],
    ['a length of one byte', der.octetString(Buffer.alloc(0x80)), '048180'],
    ['a length of one byte, the longest', der.octetString(Buffer.alloc(0xff)), '0481ff'],
    ['a length of two bytes', der.octetString(Buffer.alloc(0x100)), '04820100'],
    ['a length of three bytes', der.octetString(Buffer.alloc(0x10000)), '0483010000'],
  ])('writes %s', (_what, bytes, start) => {
    expect(hex(bytes)).toMatch(new RegExp(`^${start}(?:00)*$`));
  });

  it.each([
    ['zero', der.unsigned(Buffer.from([0])), '020100'],
    ['nothing as zero', der.unsigned(Buffer.from([])), '020100'],
    ['a number without zeros before it', der.unsigned(Buffer.from([0, 0, 5])), '020105'],
    ['a number that is not negative', der.unsigned(Buffer.from([0x80])), '02020080'],
    ['true', der.boolean(true), '0101ff'],
    ['an object identifier', der.objectIdentifier('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
    ['bits', der.bitString(Buffer.from([6]), 1), '03020106'],
    ['no values', der.sequence(), '3000'],
    ['a time', der.time(new Date('2026-11-29T10:20:30.900Z')), '170d3236313132393130323033305a'],
    [
      'the last time of its kind',
      der.time(new Date('2049-12-31T23:59:59Z')),
      '170d3439313233313233353935395a',
    ],
    [
      'a time of the other kind',
      der.time(new Date('2050-01-01T00:00:00Z')),
      '180f32303530303130313030303030305a',
    ],
    ['a tag in place of the type', der.implicit(2, Buffer.from('a.test')), '8206612e74657374'],
    ['a tag around', der.explicit(0, der.unsigned(Buffer.from([2]))), 'a003020102'],
  ])('writes %s', (_what, bytes, expected) => {
    expect(hex(bytes)).toBe(expected);
  });

  it.skipIf(!openssl)('is read by OpenSSL as what was written', () => {
    const arc = fc.nat(2 ** 28 - 1);
    const values = fc.record({
      number: fc.uint8Array({ minLength: 1, maxLength: 20 }),
      bytes: fc.uint8Array({ maxLength: 300 }),
      text: fc.stringMatching(/^[a-z0-9.-]{1,40}$/),
      arcs: fc.tuple(fc.constantFrom(0, 1, 2), fc.nat(39), fc.array(arc, { maxLength: 6 })),
    });
    fc.assert(
      fc.property(values, ({ number, bytes, text, arcs: [first, second, rest] }) => {
        const dotted = [first, second, ...rest].join('.');
        const all = der.sequence(
          der.unsigned(number),
          der.octetString(bytes),
          der.setOf(der.utf8String(text)),
          der.objectIdentifier(dotted),
        );
        const lines = read(all);
        expect(lines[0]).toBe('0 SEQUENCE');
        const value = BigInt(`0x${hex(number)}`)
          .toString(16)
          .toUpperCase();
        expect(lines[1]).toBe(`1 INTEGER :${value.padStart(value.length + (value.length % 2), '0')}`);
        expect(lines[2]).toMatch(/^1 OCTET STRING/);
        expect(lines.slice(3, 5)).toEqual(['1 SET', `2 UTF8STRING :${text}`]);
        expect(lines[5]).toMatch(/^1 OBJECT :/);
      }),
      { numRuns: 40 },
    );
  });
});
