import { describe, expect, it } from 'vitest';
import {
  answerHeaders,
  checkAnswer,
  checkHandshake,
  requestHeaders,
} from '../../../src/http/websocket/handshake.ts';

/** The example of RFC 6455, section 1.3. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const LINES: Record<string, string | string[] | undefined> = {
  Host: 'a.test',
  Upgrade: 'websocket',
  Connection: 'keep-alive, Upgrade',
  'Sec-WebSocket-Key': KEY,
  'Sec-WebSocket-Version': '13',
};

const flat = (lines: typeof LINES): string[] =>
  Object.entries(lines).flatMap(([name, value]) =>
    (value === undefined ? [] : [value].flat()).flatMap((one) => [name, one]),
  );
const ask = (lines: typeof LINES = {}, more: { method?: string; minor?: number } = {}) => ({
  method: more.method ?? 'GET',
  httpVersionMajor: 1,
  httpVersionMinor: more.minor ?? 1,
  rawHeaders: flat({ ...LINES, ...lines }),
});
const answer = (lines: typeof LINES = {}) => ({
  rawHeaders: flat({ Upgrade: 'WebSocket', Connection: 'upgrade', 'Sec-WebSocket-Accept': ACCEPT, ...lines }),
});
const handshake = (lines: typeof LINES = {}) => {
  const checked = checkHandshake(ask(lines));
  if (!checked.ok) throw new Error(checked.error);
  return checked.value;
};

describe('a request for a WebSocket', () => {
  it('is accepted as browsers send it', () => {
    const sent = handshake({
      'Sec-WebSocket-Protocol': ['chat, superchat', 'v2'],
      'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
    });
    expect(sent).toMatchObject({ key: KEY, protocols: ['chat', 'superchat', 'v2'], readServer: false });
    expect(sent.offer).not.toBeNull();
  });

  it.each<[string, typeof LINES, { method?: string; minor?: number }?]>([
    ['another method', {}, { method: 'POST' }],
    ['HTTP/1.0', {}, { minor: 0 }],
    ['no Upgrade', { Upgrade: undefined }],
    ['a second protocol to change to', { Upgrade: 'websocket, h2c' }],
    ['two Upgrade lines', { Upgrade: ['websocket', 'websocket'] }],
    ['a Connection header without it', { Connection: 'keep-alive' }],
    ['a body', { 'Content-Length': '1' }],
    ['a chunked body', { 'Transfer-Encoding': 'chunked' }],
    ['no version', { 'Sec-WebSocket-Version': undefined }],
    ['version 8', { 'Sec-WebSocket-Version': '8' }],
    ['two versions', { 'Sec-WebSocket-Version': ['13', '13'] }],
    ['no key', { 'Sec-WebSocket-Key': undefined }],
    ['two keys', { 'Sec-WebSocket-Key': [KEY, KEY] }],
    ['a key of 15 bytes', { 'Sec-WebSocket-Key': Buffer.alloc(15).toString('base64') }],
    ['a key of 17 bytes', { 'Sec-WebSocket-Key': Buffer.alloc(17).toString('base64') }],
    ['a key in another spelling', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZR==' }],
    ['a key in the other alphabet', { 'Sec-WebSocket-Key': '-_hlIHNhbXBsZSBub25jZQ==' }],
    ['a subprotocol that is no token', { 'Sec-WebSocket-Protocol': 'a b' }],
    ['an empty subprotocol', { 'Sec-WebSocket-Protocol': 'a,,b' }],
    ['a subprotocol twice', { 'Sec-WebSocket-Protocol': 'a, a' }],
    ['too many subprotocols', { 'Sec-WebSocket-Protocol': Array.from({ length: 33 }, (_, i) => `p${i}`) }],
    ['long subprotocols', { 'Sec-WebSocket-Protocol': 'x'.repeat(5000) }],
  ])('with %s is refused', (_what, lines, more) => {
    expect(checkHandshake(ask(lines, more)).ok).toBe(false);
  });

  it('is written anew: other headers stay, what was not understood goes', () => {
    const lines = {
      Origin: 'https://a.test',
      'Sec-WebSocket-Protocol': 'chat,v2',
      'Sec-WebSocket-Extensions': 'x-new, permessage-deflate; client_max_window_bits',
      'Sec-WebSocket-Accept': 'x',
      'sec-websocket-key1': 'x',
    };
    expect(requestHeaders(ask(lines).rawHeaders, handshake(lines))).toEqual([
      ...[
        'Host',
        'a.test',
        'Upgrade',
        'websocket',
        'Connection',
        'keep-alive, Upgrade',
        'Origin',
        'https://a.test',
      ],
      ...['Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', KEY, 'Sec-WebSocket-Protocol', 'chat, v2'],
      ...[
        'Sec-WebSocket-Extensions',
        'permessage-deflate; client_no_context_takeover; client_max_window_bits',
      ],
    ]);
  });
});

describe('the answer of a server', () => {
  it('is accepted when it belongs to the request', () => {
    const sent = handshake({ 'Sec-WebSocket-Protocol': 'chat, v2' });
    expect(checkAnswer(answer({ 'Sec-WebSocket-Protocol': 'v2' }), sent)).toEqual({
      ok: true,
      value: { protocol: 'v2', deflate: null },
    });
  });

  it.each<[string, typeof LINES]>([
    ['another protocol', { Upgrade: 'h2c' }],
    ['no Connection', { Connection: undefined }],
    ['no accept value', { 'Sec-WebSocket-Accept': undefined }],
    ['the accept value of another key', { 'Sec-WebSocket-Accept': 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }],
    ['two accept values', { 'Sec-WebSocket-Accept': [ACCEPT, ACCEPT] }],
    ['a subprotocol that was not offered', { 'Sec-WebSocket-Protocol': 'other' }],
    ['two subprotocols', { 'Sec-WebSocket-Protocol': 'chat, v2' }],
    ['an extension that was not offered', { 'Sec-WebSocket-Extensions': 'permessage-deflate' }],
  ])('with %s is refused', (_what, lines) => {
    const sent = handshake({ 'Sec-WebSocket-Protocol': 'chat, v2' });
    expect(checkAnswer(answer(lines), sent).ok).toBe(false);
  });

  it('is written anew for the client', () => {
    const sent = handshake({ 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' });
    const came = answer({
      'Set-Cookie': 'a=b',
      'Sec-WebSocket-Extensions': 'permessage-deflate;client_no_context_takeover',
      'Sec-WebSocket-Version': '8',
    });
    const agreed = checkAnswer(came, sent);
    if (!agreed.ok) throw new Error(agreed.error);
    expect(answerHeaders(came.rawHeaders, sent, agreed.value)).toEqual([
      ...[
        'Upgrade',
        'WebSocket',
        'Connection',
        'upgrade',
        'Set-Cookie',
        'a=b',
        'Sec-WebSocket-Accept',
        ACCEPT,
      ],
      ...['Sec-WebSocket-Extensions', 'permessage-deflate; client_no_context_takeover'],
    ]);
  });
});
