import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normaliseHost } from '../../src/match/host.ts';

describe('normaliseHost', () => {
  it.each([
    ['api.example.com', 'api.example.com'],
    ['API.Example.COM', 'api.example.com'],
    ['example.com.', 'example.com'],
    ['localhost', 'localhost'],
    ['a_b._tcp.example.com', 'a_b._tcp.example.com'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['1.2.3.4', '1.2.3.4'],
    ['1.2.3.4.', '1.2.3.4'],
    ['[::1]', '::1'],
    ['::1', '::1'],
    ['[2001:DB8:0::1]', '2001:db8::1'],
    ['[::ffff:127.0.0.1]', '127.0.0.1'],
    ['1.2.3.4x', '1.2.3.4x'],
    ['0x7f.example', '0x7f.example'],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  ])('reads %j as %s', (text, canonical) => {
    const host = normaliseHost(text);
    expect(host.ok && host.value.text).toBe(canonical);
  });

  it.each([
    ['', /empty/],
    ['.', /empty label/],
    ['..', /empty label/],
    ['.a', /empty label/],
    ['a..b', /empty label/],
    ['a.b..', /empty label/],
    ['evil.com\0.allowed.test', /control/],
    ['a b', /blank/],
    ['a\tb', /control/],
    ['a\nb', /control/],
    ['a\u007f', /control/],
    ['user@a', /user information/],
    ['user:pw@a', /IPv6/],
    ['a%2eb', /percent/],
    ['%00', /percent/],
    ['a\\b', /backslash/],
    ['a/b', /path/],
    ['a?b', /path/],
    ['a#b', /path/],
    ['bücher.example', /punycode/],
    ['a\uff0eb', /punycode/],
    ['ⓔxample.com', /punycode/],
    ['a*b', /cannot have/],
    ['a,b', /cannot have/],
    ['-a.example', /hyphen/],
    ['a-.example', /hyphen/],
    [`${'a'.repeat(64)}.example`, /label longer/],
    [`${'a.'.repeat(130)}b`, /longer than 253/],
    ['127.1', /unusual form/],
    ['0x7f.1', /unusual form/],
    ['0x7f000001', /unusual form/],
    ['2130706433', /unusual form/],
    ['0', /unusual form/],
    ['010.0.0.1', /unusual form/],
    ['1.2.3.256', /unusual form/],
    ['1.2.3.4.5', /unusual form/],
    ['example.123', /unusual form/],
    ['example.0x', /unusual form/],
    ['[1.2.3.4]', /brackets/],
    ['[a]', /brackets/],
    ['[::1', /brackets/],
    ['[]', /brackets/],
    ['[fe80::1%eth0]', /zone id/],
    ['fe80::1%25eth0', /zone id/],
    ['::1]', /IPv6/],
    ['a:443', /IPv6/],
  ])('refuses %j', (text, why) => {
    const host = normaliseHost(text);
    expect(host.ok ? host.value.text : host.error).toMatch(why);
    expect(host.ok).toBe(false);
  });

  it('leaves its own output as it is, and lets only plain characters through', () => {
    const text = fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6(),
      fc.string({ unit: fc.constantFrom(...'aB0.-_x:[]%@ \0'), maxLength: 30 }),
      fc.string({ unit: 'binary', maxLength: 20 }),
    );
    fc.assert(
      fc.property(text, (input) => {
        const host = normaliseHost(input);
        if (!host.ok) return;
        expect(host.value.text).toMatch(/^[a-z0-9._:-]+$/);
        expect(normaliseHost(host.value.text)).toEqual(host);
        expect(normaliseHost(host.value.text.toUpperCase())).toEqual(host);
      }),
      { numRuns: 1000 },
    );
  });
});
