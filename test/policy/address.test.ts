import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCidr } from '../../src/base/address.ts';
import { isMapped, neverReached, overlaps, parseAddress, parseBlock } from '../../src/policy/address.ts';

describe('a CIDR block', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0/8', true],
    ['10.1.2.3', '10.1.2.3/32', true],
    ['10.1.2.3/8', '10.0.0.0/8', false],
    ['0.0.0.0/0', '0.0.0.0/0', true],
    ['FD00::/8', 'fd00::/8', true],
    ['2001:db8::1', '2001:db8::1/128', true],
    ['2001:db8::1/32', '2001:db8::/32', false],
    ['::/0', '::/0', true],
  ])('%s is read as %s', (text, canonical, exact) => {
    const parsed = parseBlock(text);
    expect([parsed?.block.text, parsed?.exact]).toEqual([canonical, exact]);
  });

  it.each([
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/',
    '10.0.0/8',
    '010.0.0.0/8',
    'fd00::/129',
    '::ffff:10.0.0.0/104',
    'example.com',
    '10.0.0.0/8/8',
    '',
    '/8',
  ])('%j is none', (text) => {
    expect(parseBlock(text)).toBeNull();
  });

  it('is read by the matcher as the same block', () => {
    const text = fc.oneof(
      fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })),
      fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })),
    );
    fc.assert(
      fc.property(text, ([address, prefix]) => {
        const parsed = parseBlock(`${address}/${prefix}`);
        if (parsed !== null) expect(parseCidr(parsed.block.text)?.text).toBe(parsed.block.text);
      }),
    );
  });

  it('overlaps another exactly when one holds the other', () => {
    const block = (text: string) => parseBlock(text)!.block;
    expect(overlaps(block('10.0.0.0/8'), block('10.9.0.0/16'))).toBe(true);
    expect(overlaps(block('10.9.0.0/16'), block('10.0.0.0/8'))).toBe(true);
    expect(overlaps(block('10.9.0.0/16'), block('10.8.0.0/16'))).toBe(false);
    expect(overlaps(block('0.0.0.0/0'), block('::/0'))).toBe(false);
  });
});

describe('addresses that are never reached', () => {
  it.each([
    ['127.0.0.1', 'loopback'],
    ['127.255.0.0/16', 'loopback'],
    ['0.0.0.0', 'unspecified'],
    ['0.0.0.0/0', 'unspecified'],
    ['126.0.0.0/7', 'loopback'],
    ['169.254.169.254', 'link-local'],
    ['239.1.1.1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['fe80::1', 'link-local'],
    ['ff02::1', 'multicast'],
    ['10.0.0.0/8', null],
    ['192.168.1.1', null],
    ['fd00::/8', null],
    ['2000::/3', null],
  ])('%s: %s', (text, kind) => {
    expect(neverReached(parseBlock(text)!.block)).toBe(kind);
  });
});

describe('an address', () => {
  it('that is IPv4 in IPv6 clothes is known as such and not read', () => {
    for (const text of ['::ffff:1.2.3.4', '::FFFF:102:304', '0:0:0:0:0:ffff:1.2.3.4']) {
      expect(isMapped(text)).toBe(true);
      expect(parseAddress(text)).toBeNull();
    }
    expect(isMapped('::1')).toBe(false);
    expect(isMapped('1.2.3.4')).toBe(false);
  });
});
