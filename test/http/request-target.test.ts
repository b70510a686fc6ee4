import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  authorityText,
  describeTarget,
  parseAbsoluteTarget,
  parseConnectTarget,
} from '../../src/http/request-target.ts';

describe('parseConnectTarget', () => {
  it.each([
    ['a.test:443', 'a.test:443'],
    ['A.TEST.:443', 'a.test:443'],
    ['1.2.3.4:1', '1.2.3.4:1'],
    ['[2001:DB8::1]:65535', '[2001:db8::1]:65535'],
    ['[::ffff:1.2.3.4]:8', '1.2.3.4:8'],
    ['a.test:80', 'a.test'],
  ])('reads %s', (text, expected) => {
    const target = parseConnectTarget(text);
    expect(target.ok && authorityText(target.value)).toBe(expected);
  });
});

describe('parseAbsoluteTarget', () => {
  it.each([
    ['http://a.test/p', { originForm: '/p', path: '/p', port: 80 }],
    ['http://a.test', { originForm: '/', path: '/', port: 80 }],
    ['http://a.test?q', { originForm: '/?q', path: '/', port: 80 }],
    ['http://a.test/p?q=/x?y', { originForm: '/p?q=/x?y', path: '/p', port: 80 }],
    ['http://a.test//x/../y', { originForm: '//x/../y', path: '//x/../y', port: 80 }],
    ['http://a.test:8080/', { originForm: '/', path: '/', port: 8080 }],
    ['http://a.test/@x:y', { originForm: '/@x:y', path: '/@x:y', port: 80 }],
  ])('reads %s', (text, expected) => {
    const target = parseAbsoluteTarget('GET', text);
    expect(target.ok && target.value).toMatchObject(expected);
  });

  it.each([
    ['/x', 'malformed_request'],
    ['//a.test/x', 'malformed_request'],
    ['*', 'malformed_request'],
    ['a.test:80', 'malformed_destination'],
    ['http:/a.test/', 'malformed_destination'],
    ['http:a.test', 'malformed_destination'],
    ['http://', 'malformed_destination'],
    ['http:///a.test', 'malformed_destination'],
    ['http://a.test\\@b.test/', 'malformed_destination'],
    ['http://a.test\t/', 'malformed_destination'],
    ['http://a.test/\u00e9', 'malformed_destination'],
    ['http://a.test/ x', 'malformed_destination'],
    ['http://u@a.test/', 'malformed_destination'],
    ['http://a.test/#', 'malformed_destination'],
    ['http://a.test:80:80/', 'malformed_destination'],
    ['http://::1/', 'malformed_destination'],
    ['http://[::1/', 'malformed_destination'],
    ['http://[::1]x/', 'malformed_destination'],
    ['http://a%2etest/', 'malformed_destination'],
    ['https://a.test/', 'unsupported_scheme'],
    ['HTTPS://a.test/', 'unsupported_scheme'],
    ['ws://a.test/', 'unsupported_scheme'],
    ['file:///etc/passwd', 'unsupported_scheme'],
  ])('refuses %j', (text, kind) => {
    const target = parseAbsoluteTarget('GET', text);
    expect(target.ok ? target.value : target.error.kind).toBe(kind);
  });

  it('gives the server a path that leads nowhere else, whatever it is given', () => {
    const part = fc.string({ unit: fc.constantFrom(...'a.:/?#@[]\\%0 \t*~'), maxLength: 20 });
    fc.assert(
      fc.property(
        fc.oneof(
          part,
          part.map((rest) => `http://${rest}`),
          part.map((rest) => `http://a.test${rest}`),
        ),
        (text) => {
          const target = parseAbsoluteTarget('GET', text);
          if (!target.ok) return;
          expect(target.value.originForm).toMatch(/^\/[\x21-\x7e]*$/);
          expect(target.value.path).toMatch(/^\/[^?#]*$/);
          expect(text.startsWith('http://')).toBe(true);
          // The URL parser that browsers share agrees about host and port.
          const url = new URL(text);
          const { host, port } = target.value;
          expect(url.hostname.replace(/\.$/, '')).toBe(
            host.address?.family === 6 ? `[${host.text}]` : host.text,
          );
          expect(Number(url.port === '' ? 80 : url.port)).toBe(port);
        },
      ),
      { numRuns: 5000 },
    );
  });
});

describe('describeTarget', () => {
  it.each([
    ['http://user:secret@a.test/secret?secret', 'a.test'],
    ['user:secret@a.test:443', 'a.test:443'],
    ['a.test?secret', 'a.test'],
    ['a@b@c.test', 'c.test'],
    ['/secret', ''],
    ['a\u001b[2J\n.test', 'a\\u{1b}[2J .test'],
  ])('says of %j only %j', (text, expected) => {
    expect(describeTarget(text)).toBe(expected);
  });

  it('is bounded', () => {
    expect(describeTarget('x'.repeat(100_000)).length).toBeLessThanOrEqual(255);
    expect(describeTarget('\u0001'.repeat(100_000)).length).toBeLessThanOrEqual(255 * 5);
  });
});
