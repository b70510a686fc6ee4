import { describe, expect, it } from 'vitest';
import { parseAddress, parseCidr } from '../../src/base/address.ts';
import { classifyAddress, nat64Prefixes } from '../../src/match/classify-address.ts';

const classOf = (text: string, nat64: readonly string[] = []) =>
  classifyAddress(
    parseAddress(text)!,
    nat64.map((prefix) => parseCidr(prefix)!),
  );

describe('classifyAddress', () => {
  it.each([
    ['8.8.8.8', 'public'],
    ['1.1.1.1', 'public'],
    ['11.0.0.1', 'public'],
    ['172.15.255.255', 'public'],
    ['172.32.0.0', 'public'],
    ['2001:4860:4860::8888', 'public'],
    ['2606:4700::1111', 'public'],
    ['10.0.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['100.127.255.255', 'private'],
    ['198.19.255.255', 'private'],
    ['240.0.0.1', 'private'],
    ['fd12:3456::1', 'private'],
    ['fec0::1', 'private'],
    ['4000::1', 'private'],
    ['127.0.0.53', 'never'],
    ['0.0.0.0', 'never'],
    ['0.1.2.3', 'never'],
    ['169.254.169.254', 'never'],
    ['100.100.100.200', 'never'],
    ['168.63.129.16', 'never'],
    ['192.0.0.192', 'never'],
    ['fd00:ec2::254', 'never'],
    ['fe80::1', 'never'],
    ['ff02::1', 'never'],
    ['239.255.255.250', 'never'],
    ['255.255.255.255', 'never'],
    ['::ffff:127.0.0.1', 'never'],
    ['::ffff:8.8.8.8', 'public'],
  ])('%s is %s', (text, expected) => {
    expect(classOf(text).class).toBe(expected);
  });

  it.each([
    ['64:ff9b::808:808', 'public', /^NAT64$/],
    ['64:ff9b::a00:1', 'private', /NAT64 of 10\.0\.0\.1/],
    ['64:ff9b::a9fe:a9fe', 'never', /NAT64 of 169\.254\.169\.254 \(cloud metadata\)/],
    ['64:ff9b::7f00:1', 'never', /127\.0\.0\.1/],
    ['64:ff9b:1::808:808', 'private', /local use/],
    ['64:ff9b:1::7f00:1', 'never', /127\.0\.0\.1/],
    // Shorter local prefixes leave the last 32 bits zero, so without the prefix nothing is known: refused.
    ['64:ff9b:1:808:8:800::', 'never', /0\.0\.0\.0/],
    ['2002:808:808::1', 'private', /6to4/],
    ['2002:a9fe:a9fe::1', 'never', /6to4 of 169\.254\.169\.254/],
    ['2001:0:808:808::f7f7:f7f7', 'private', /Teredo/],
    ['2001:0:7f00:1::f7f7:f7f7', 'never', /Teredo of 127\.0\.0\.1/],
    ['2001:0:808:808::5601:5601', 'never', /Teredo of 169\.254\.169\.254/],
    ['::8.8.8.8', 'never', /IPv4-compatible/],
    ['::ffff:0:8.8.8.8', 'never', /IPv4-translated/],
  ])('%s is judged by the IPv4 address inside: %s', (text, expected, name) => {
    expect(classOf(text)).toEqual({ class: expected, name: expect.stringMatching(name) });
  });

  it.each([
    ['2001:db8::/32', '2001:db8:a9fe:a9fe::'],
    ['2001:db8:100::/40', '2001:db8:1a9:fea9:fe::'],
    ['2001:db8:122::/48', '2001:db8:122:a9fe:a9:fe00::'],
    ['2001:db8:122:300::/56', '2001:db8:122:3a9:fe:a9fe::'],
    ['2001:db8:122:344::/64', '2001:db8:122:344:a9:fea9:fe00:0'],
    ['2001:db8:122:344::/96', '2001:db8:122:344::a9fe:a9fe'],
  ])('reads the IPv4 address behind the prefix %s of this network', (prefix, text) => {
    expect(classOf(text, [prefix])).toEqual({
      class: 'never',
      name: expect.stringMatching(/169\.254\.169\.254/),
    });
  });

  it('makes a public IPv4 address behind a prefix of this network public', () => {
    expect(classOf('fd00:64::808:808').class).toBe('private');
    expect(classOf('fd00:64::808:808', ['fd00:64::/96']).class).toBe('public');
  });
});

describe('nat64Prefixes', () => {
  it('finds the prefix that the answers for ipv4only.arpa show', () => {
    const answers = [
      '192.0.0.170',
      '2001:db8:1::192.0.0.170',
      '2001:db8:1::192.0.0.171',
      'fd00::c0:0:aa00:0',
    ];
    expect(nat64Prefixes(answers.map((text) => parseAddress(text)!)).map(({ text }) => text)).toEqual([
      '2001:db8:1::/96',
      'fd00::/64',
    ]);
  });

  it('finds nothing where nothing translates', () => {
    expect(nat64Prefixes([parseAddress('192.0.0.170')!, parseAddress('2001:db8::1')!])).toEqual([]);
  });
});
