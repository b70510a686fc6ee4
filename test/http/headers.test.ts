import { describe, expect, it } from 'vitest';
import {
  asksForWebSocket,
  checkHost,
  checkRequest,
  forwardedRequest,
  forwardedResponse,
  forwardedTrailers,
} from '../../src/http/headers.ts';
import { host } from '../match/tables.ts';

const request = (rawHeaders: string[], httpVersionMinor = 1, httpVersionMajor = 1) => ({
  rawHeaders,
  httpVersionMajor,
  httpVersionMinor,
});
const TARGET = { host: host('a.test'), port: 80 };
const check = (...rawHeaders: string[]) => checkRequest(request(rawHeaders), { headers: 10 })?.reason ?? null;

describe('checkRequest', () => {
  it('accepts an ordinary header section', () => {
    expect(
      check('Host', 'a', 'X-Y', 'caf\u00e9 \t~', 'Content-Length', '12', 'Connection', 'keep-alive, Upgrade'),
    ).toBeNull();
    expect(check('Transfer-Encoding', 'Chunked')).toBeNull();
  });

  it.each([
    [['X Y', '1'], /name/],
    [['', '1'], /name/],
    [['X:', '1'], /name/],
    [['X', 'a\r\nb'], /control/],
    [['X', 'a\0'], /control/],
    [['X', '\u007f'], /control/],
    [['X', '\u0100'], /control/],
    [['Transfer-Encoding', ''], /coding/],
    [['Transfer-Encoding', 'gzip, chunked'], /coding/],
    [['Transfer-Encoding', 'chunked', 'transfer-encoding', 'chunked'], /coding/],
    [['Transfer-Encoding', 'chunked', 'Content-Length', '1'], /both/],
    [['Content-Length', '1', 'Content-Length', '1'], /single/],
    [['Content-Length', '1,1'], /single/],
    [['Content-Length', '+1'], /single/],
    [['Content-Length', ''], /single/],
    [['Content-Length', '1'.repeat(16)], /single/],
    [['Connection', 'a b'], /tokens/],
    [['Connection', 'close, Content-Length'], /names content-length/],
    [['Proxy-Connection', 'Host'], /names host/],
    [Array.from({ length: 11 }, () => ['X', 'y']).flat(), /more than 10/],
  ])('refuses %j', (rawHeaders, reason) => {
    expect(check(...rawHeaders)).toMatch(reason);
  });

  it.each([
    [1, 2],
    [0, 9],
    [2, 0],
  ])('refuses HTTP/%d.%d', (major, minor) => {
    expect(checkRequest(request([], minor, major), { headers: 10 })?.kind).toBe('malformed_request');
  });

  it('refuses a transfer coding in HTTP/1.0', () => {
    expect(checkRequest(request(['Transfer-Encoding', 'chunked'], 0), { headers: 10 })?.reason).toMatch(
      /1\.0/,
    );
  });

  it('never repeats a value', () => {
    expect(check('X', 'secret\n')).not.toContain('secret');
    expect(check('Transfer-Encoding', 'secret')).not.toContain('secret');
  });
});

describe('checkHost', () => {
  it.each([
    [['Host', 'a.test'], null],
    [['Host', 'A.Test.:80'], null],
    [['Host', 'a.test:81'], 'authority_mismatch'],
    [['Host', 'b.test'], 'authority_mismatch'],
    [['Host', ''], 'authority_mismatch'],
    [['Host', 'a.test, b.test'], 'authority_mismatch'],
    [['Host', 'a.test', 'host', 'a.test'], 'malformed_request'],
    [[], 'malformed_request'],
  ])('%j gives %s', (rawHeaders, kind) => {
    expect(checkHost(request(rawHeaders), TARGET)?.kind ?? null).toBe(kind);
  });

  it('lets HTTP/1.0 do without', () => {
    expect(checkHost(request([], 0), TARGET)).toBeNull();
  });
});

describe('forwarded header sections', () => {
  it('hold the authority of the request, exactly one framing, and nothing of this hop', () => {
    const raw = [
      'host',
      'x',
      'Content-Length',
      '3',
      'Proxy-Authorization',
      'secret',
      'A',
      '1',
      'Connection',
      'A',
      'B',
      '2',
    ];
    expect(forwardedRequest(request(raw), { ...TARGET, port: 81 }, 'POST', null)).toEqual([
      'Host',
      'a.test:81',
      'B',
      '2',
      'Content-Length',
      '3',
      'Via',
      '1.1 openshell-sandbox',
      'Connection',
      'close',
    ]);
  });

  it.each([
    ['GET', []],
    ['POST', ['Content-Length', '0']],
    ['PATCH', ['Content-Length', '0']],
  ])('say that a %s without a body has none', (method, framing) => {
    expect(forwardedRequest(request([], 0), TARGET, method, null)).toEqual([
      'Host',
      'a.test',
      ...framing,
      'Via',
      '1.0 openshell-sandbox',
      'Connection',
      'close',
    ]);
  });

  it('of answers keep Content-Length and lose Transfer-Encoding', () => {
    const raw = [
      'Content-Length',
      '3',
      'Transfer-Encoding',
      'chunked',
      'Connection',
      'x, keep-alive',
      'X',
      '1',
      'Keep-Alive',
      '5',
    ];
    expect(forwardedResponse(request(raw))).toEqual(['Content-Length', '3', 'Via', '1.1 openshell-sandbox']);
  });

  it('of trailers set no framing, no host, and nothing that cannot be written', () => {
    expect(
      forwardedTrailers([
        'Content-Length',
        '1',
        'Host',
        'x',
        'Transfer-Encoding',
        'y',
        'A',
        'b\n',
        'C D',
        '1',
        'E',
        'f',
      ]),
    ).toEqual([['E', 'f']]);
  });
});

describe('a request for a WebSocket', () => {
  it('is recognised, well-formed or not', () => {
    const asks = (...values: string[]) =>
      asksForWebSocket({ rawHeaders: values.flatMap((value) => ['UPGRADE', value]) });
    expect(asks('websocket')).toBe(true);
    expect(asks('h2c, WEBSOCKET')).toBe(true);
    expect(asks('h2c', ' websocket ')).toBe(true);
    expect(asks('h2c')).toBe(false);
    expect(asks()).toBe(false);
  });
});
