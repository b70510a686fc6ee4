import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { normaliseHost } from '../../src/match/host.ts';
import { compileHostPattern } from '../../src/match/host-pattern.ts';
import { readHost, readHostSelector } from '../../src/policy/host.ts';

// Much work on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

describe('a host', () => {
  it.each([
    ['api.example.com', 'name', 'api.example.com'],
    ['API.Example.COM', 'name', 'api.example.com'],
    ['example.com.', 'name', 'example.com'],
    ['redis', 'name', 'redis'],
    ['a_b._tcp.example.com', 'name', 'a_b._tcp.example.com'],
    ['xn--bcher-kva.example', 'name', 'xn--bcher-kva.example'],
    ['0x7f.example', 'name', '0x7f.example'],
    ['1.2.3.4x', 'name', '1.2.3.4x'],
    [`${'a'.repeat(63)}.example`, 'name', `${'a'.repeat(63)}.example`],
    ['192.0.2.1', 'address', '192.0.2.1'],
    ['192.0.2.1.', 'address', '192.0.2.1'],
    ['2001:DB8:0:0::1', 'address', '2001:db8::1'],
    ['::1', 'address', '::1'],
    ['*.example.com', 'pattern', '*.example.com'],
    ['**.Example.com', 'pattern', '**.example.com'],
    ['*-aiplatform.googleapis.com', 'pattern', '*-aiplatform.googleapis.com'],
    ['*.s3.*.amazonaws.com', 'pattern', '*.s3.*.amazonaws.com'],
    ['api.*.example.com', 'pattern', 'api.*.example.com'],
    ['a*b*c.example.com', 'pattern', 'a*b*c.example.com'],
  ])('%s is the %s %s', (text, kind, canonical) => {
    expect(readHost(text)).toEqual({ ok: true, value: { text: canonical, kind } });
  });

  it.each([
    ['', 'invalid_host'],
    ['.', 'invalid_host'],
    ['..', 'invalid_host'],
    ['.example.com', 'invalid_host'],
    ['example.com..', 'invalid_host'],
    ['a..b', 'invalid_host'],
    ['a b', 'invalid_host'],
    ['a\tb', 'invalid_host'],
    ['a\0b', 'invalid_host'],
    ['user@host.example', 'invalid_host'],
    ['user:pw@host.example', 'invalid_host'],
    ['http://host.example', 'invalid_host'],
    ['host.example:443', 'invalid_host'],
    ['host.example:', 'invalid_host'],
    ['[::1]:443', 'invalid_host'],
    ['host.example/path', 'invalid_host'],
    ['host.example\\path', 'invalid_host'],
    ['host.example?x=1', 'invalid_host'],
    ['host%2eexample', 'invalid_host'],
    ['bücher.example', 'invalid_host'],
    ['host。example', 'invalid_host'],
    ['-a.example', 'invalid_host'],
    ['a-.example', 'invalid_host'],
    ['a,b.example', 'invalid_host'],
    [`${'a'.repeat(64)}.example`, 'invalid_host'],
    [`${'a.'.repeat(127)}com`, 'invalid_host'],
    ['127.1', 'unusual_address'],
    ['0x7f.1', 'unusual_address'],
    ['0x7F000001', 'unusual_address'],
    ['2130706433', 'unusual_address'],
    ['010.0.0.1', 'unusual_address'],
    ['1.2.3', 'unusual_address'],
    ['1.2.3.4.5', 'unusual_address'],
    ['256.0.0.1', 'unusual_address'],
    ['example.0x10', 'unusual_address'],
    ['*.0.0.1', 'unusual_address'],
    ['[::1]', 'unusual_address'],
    ['fe80::1%eth0', 'unusual_address'],
    ['::ffff:192.0.2.1', 'unusual_address'],
    ['::FFFF:c000:0201', 'unusual_address'],
    ['1::2::3', 'unusual_address'],
    ['*', 'broad_host_pattern'],
    ['**', 'broad_host_pattern'],
    ['*.com', 'broad_host_pattern'],
    ['**.com', 'broad_host_pattern'],
    ['a-*.com', 'broad_host_pattern'],
    ['api.*.com', 'broad_host_pattern'],
    ['**.*.com', 'broad_host_pattern'],
    ['a.b.*', 'broad_host_pattern'],
    ['foo.us-*.example.com', 'invalid_host_pattern'],
    ['foo.**.example.com', 'invalid_host_pattern'],
    ['foo**.example.com', 'invalid_host_pattern'],
    ['***.example.com', 'invalid_host_pattern'],
    ['a[bc].example.com', 'invalid_host_pattern'],
    ['{a,b}.example.com', 'invalid_host_pattern'],
    ['a?.example.com', 'invalid_host_pattern'],
  ])('%j is refused as %s', (text, code) => {
    const host = readHost(text);
    expect(host.ok ? host.value : host.error.code).toBe(code);
  });

  it('may be broader in a selector that grants nothing', () => {
    expect(readHostSelector('**').ok).toBe(true);
    expect(readHostSelector('*.com').ok).toBe(true);
    expect(readHostSelector('a.**').ok).toBe(false);
  });
});

const label = fc.stringMatching(/^[a-zA-Z0-9_*?-]{1,6}$/);
const hostLike = fc.oneof(
  fc
    .array(fc.oneof(label, fc.constantFrom('*', '**', 'example', 'com', '10', '')), {
      minLength: 1,
      maxLength: 5,
    })
    .map((labels) => labels.join('.')),
  fc.string({ maxLength: 12 }),
  fc.ipV6(),
  fc.ipV4(),
);

describe('what the policy accepts as a host', () => {
  it('is accepted by the matcher too, and stands for the same', () => {
    fc.assert(
      fc.property(hostLike, (text) => {
        const host = readHost(text);
        if (!host.ok) return;
        if (host.value.kind === 'pattern') {
          expect(compileHostPattern(host.value.text).ok).toBe(true);
          return;
        }
        const request = normaliseHost(host.value.text);
        expect(request.ok && request.value.text).toBe(host.value.text);
        expect(request.ok && request.value.address !== null).toBe(host.value.kind === 'address');
      }),
      { numRuns: 3000 },
    );
  });

  it('is its own canonical form', () => {
    fc.assert(
      fc.property(hostLike, (text) => {
        const host = readHost(text);
        if (host.ok) expect(readHost(host.value.text)).toEqual(host);
      }),
    );
  });
});
