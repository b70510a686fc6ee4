import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestFacts } from '../../src/inspect/request-facts.ts';

const read = (method: string, target: string) => requestFacts({ method, target });

describe('requestFacts', () => {
  it('has what is judged, and what is sent', () => {
    expect(read('get', '/a/../b%3a//c;x?q=1&q=%20')).toEqual({
      ok: true,
      value: {
        method: 'GET',
        path: '/b%3A/c',
        target: '/b%3A/c?q=1&q=%20',
        components: ['', 'b%3A', 'c'],
        lenient: ['', 'b:', 'c'],
        boldest: null,
        encodedSlash: false,
        query: new Map([['q', ['1', ' ']]]),
        authority: null,
        asked: null,
      },
    });
  });

  it.each([
    ['GET', 'http://Host:8080/a?b', { target: '/a?b', authority: 'Host:8080' }],
    ['GET', 'https://h', { target: '/', authority: 'h' }],
    ['GET', 'HTTP://h?x', { target: '/?x', authority: 'h' }],
    ['GET', '/a?', { target: '/a?' }],
    ['GET', '/http://h/', { target: '/http:/h/' }],
    ['OPTIONS', '*', { path: '*', components: ['*'] }],
    ['OPTIONS', 'http://h', { target: '*', authority: 'h' }],
    ['GET', '/a%2Fb%5Cc', { path: '/a%2Fb%5Cc', encodedSlash: true, lenient: ['', 'a', 'b', 'c'] }],
    ['GET', '/a%3Bx/b', { lenient: null, boldest: ['', 'a', 'b'] }],
    ['GET', '/a%3Fx/b', { lenient: null, boldest: ['', 'a'] }],
    ['GET', '/a%23', { boldest: ['', 'a'] }],
    ['GET', '/x/%252e%252E/a/', { path: '/x/%252e%252E/a/', boldest: ['', 'a', ''] }],
    ['GET', '/%2573ecret', { path: '/%2573ecret', boldest: ['', 'secret'] }],
    ['GET', '/a%252Fb%253Bc', { boldest: ['', 'a', 'b'] }],
    ['GET', '/100%25', { boldest: ['', '100%'] }],
    ['GET', '/%2Fa%2F%2Fb', { lenient: ['', 'a', 'b'] }],
  ])('%s %s', (method, target, expected) => {
    expect(read(method, target)).toMatchObject({ ok: true, value: expected });
  });

  it.each([
    ['GET', '', 'malformed_request'],
    ['GET', '*', 'malformed_request'],
    ['G T', '/', 'malformed_request'],
    ['', '/', 'malformed_request'],
    ['CONNECT', 'h:443', 'malformed_request'],
    ['WEBSOCKET_TEXT', '/', 'malformed_request'],
    ['websocket_text', '/', 'malformed_request'],
    ['GET', 'h:443', 'path_invalid'],
    ['GET', 'ftp://h/', 'path_invalid'],
    ['GET', '/a#b', 'path_invalid'],
    ['GET', 'http://h#b', 'path_invalid'],
    ['GET', '/../x', 'path_invalid'],
    ['GET', '/a?b=%', 'query_invalid'],
    ['GET', '/a?b#c', 'query_invalid'],
  ])('%s %j is refused: %s', (method, target, reason) => {
    expect(read(method, target)).toMatchObject({ ok: false, error: { reason } });
  });

  it('says of what is sent just what it said of what came', () => {
    const part = fc.constantFrom(
      '/',
      '..',
      '.',
      ';x',
      '%2F',
      '%3a',
      '%41',
      '?',
      'a=1',
      '&',
      '%20',
      '+',
      '%',
      '*',
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const first = read('GET', `/${parts.join('')}`);
        if (first.ok) expect(read('GET', first.value.target)).toEqual(first);
      }),
    );
  });
});
