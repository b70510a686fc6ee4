import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf, contains, parseAddress, parseCidr } from '../../src/base/address.ts';

describe('parseAddress', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8::0001', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::ffff:a00:1', '10.0.0.1'],
    ['::10.0.0.1', '::a00:1'],
  ])('reads %s as %s', (text, canonical) => {
    expect(parseAddress(text)?.text).toBe(canonical);
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.4.',
    '01.2.3.4',
    '1.2.3.256',
    '0x7f.0.0.1',
    '2130706433',
    ' 1.2.3.4',
    '1.2.3.4\n',
    '::1%eth0',
    '[::1]',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    '::ffff:010.0.0.1',
    '::ffff:1.2.3',
    '::1.2.3.4.5',
    'x',
    '1.2.3.4:5',
    `${'0'.repeat(1000)}::1`,
  ])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeNull();
  });

  it('agrees with Node about what an address is, and is stable on its own output', () => {
    const characters = fc.string({ unit: fc.constantFrom(...'0123456789abcdefF:.%x'), maxLength: 46 });
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), characters), (text) => {
        const address = parseAddress(text);
        expect(address !== null).toBe(isIP(text) !== 0 && !text.includes('%'));
        if (address !== null) expect(parseAddress(address.text)).toEqual(address);
      }),
      { numRuns: 2000 },
    );
  });

  it('gives back the bits that it was made of', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (value) => {
        const address = addressOf(6, value);
        expect(parseAddress(address.text)).toEqual(address);
        expect(address.family === 6 ? address.value : address.value | (0xffffn << 32n)).toBe(value);
      }),
    );
  });
});

describe('parseCidr', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['FD00::/8', 'fd00::/8'],
    ['::1', '::1/128'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::/0', '::/0'],
  ])('reads %s as %s', (text, canonical) => {
    expect(parseCidr(text)?.text).toBe(canonical);
  });

  it.each([
    '10.0.0.1/8',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/',
    '10.0.0.0/-1',
    'x/8',
    '::/129',
    '::1/64',
  ])('refuses %s', (text) => {
    expect(parseCidr(text)).toBeNull();
  });

  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.0.0.0/8', '::ffff:10.0.0.1', true],
    ['0.0.0.0/0', '::1', false],
    ['fd00::/8', 'fdff::1', true],
    ['fd00::/8', 'fc00::1', false],
    ['1.2.3.4', '1.2.3.4', true],
  ])('%s contains %s: %s', (block, address, inside) => {
    expect(contains(parseCidr(block)!, parseAddress(address)!)).toBe(inside);
  });
});
