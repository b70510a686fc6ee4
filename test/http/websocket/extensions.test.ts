import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  agreementText,
  offerText,
  readAgreement,
  readOffer,
} from '../../../src/http/websocket/extensions.ts';

const PLAIN = { serverNoContextTakeover: false, serverMaxWindowBits: null };

describe('an offer of compression', () => {
  it.each<
    [string, string[], typeof PLAIN | { serverNoContextTakeover: boolean; serverMaxWindowBits: number }]
  >([
    ['bare', ['permessage-deflate'], PLAIN],
    ['of browsers', ['permessage-deflate; client_max_window_bits'], PLAIN],
    ['with a window for the client', ['permessage-deflate;client_max_window_bits=10'], PLAIN],
    [
      'in quotes',
      ['permessage-deflate; server_max_window_bits="12"'],
      { serverNoContextTakeover: false, serverMaxWindowBits: 12 },
    ],
    ['behind one that is not known', ['x-new; a=1, permessage-deflate'], PLAIN],
    [
      'behind one that cannot be',
      ['permessage-deflate; server_max_window_bits=7, permessage-deflate'],
      PLAIN,
    ],
    [
      'in a second header line',
      ['x-new', 'permessage-deflate; server_no_context_takeover'],
      { serverNoContextTakeover: true, serverMaxWindowBits: null },
    ],
  ])('%s is understood', (_what, values, offer) => {
    expect(readOffer(values)).toEqual(offer);
  });

  it.each([
    '',
    ',',
    'x-webkit-deflate-frame',
    'permessage-bzip2',
    'permessage-deflate; unknown',
    'permessage-deflate; server_no_context_takeover=1',
    'permessage-deflate; server_max_window_bits',
    'permessage-deflate; server_max_window_bits=16',
    'permessage-deflate; server_max_window_bits=08',
    'permessage-deflate; client_max_window_bits=3',
    'permessage-deflate; server_no_context_takeover; server_no_context_takeover',
    'permessage-deflate; =1',
    'permessage-deflate; "',
    'permessage-deflate; client_max_window_bits="9, permessage-bzip2; x="',
    'Permessage-Deflate',
  ])('`%s` is dropped', (value) => {
    expect(readOffer([value])).toBeNull();
  });

  it('goes on with messages of clients compressed one by one', () => {
    expect(offerText(PLAIN, false)).toBe('permessage-deflate; client_no_context_takeover');
    expect(offerText({ serverNoContextTakeover: false, serverMaxWindowBits: 9 }, true)).toBe(
      'permessage-deflate; client_no_context_takeover; server_no_context_takeover; server_max_window_bits=9',
    );
  });

  it('never throws', () => {
    const part = fc.constantFrom(
      'permessage-deflate',
      ';',
      ',',
      '=',
      '"',
      'server_max_window_bits',
      '9',
      ' ',
      '\\',
      'x',
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const offer = readOffer([parts.join('')]);
        if (offer !== null) expect(readOffer([offerText(offer, false)])).toEqual(offer);
        readAgreement([parts.join('')], offer, true);
      }),
    );
  });
});

describe("a server's answer about compression", () => {
  it('may decline', () => {
    expect(readAgreement([], PLAIN, true)).toEqual({ ok: true, value: null });
    expect(readAgreement([], null, false)).toEqual({ ok: true, value: null });
  });

  it('may ask for what needs no offer', () => {
    const agreed = readAgreement(
      ['permessage-deflate; server_no_context_takeover; server_max_window_bits=10'],
      PLAIN,
      false,
    );
    expect(agreed).toEqual({ ok: true, value: { serverNoContextTakeover: true, serverMaxWindowBits: 10 } });
    expect(agreed.ok && agreed.value !== null && agreementText(agreed.value)).toBe(
      'permessage-deflate; client_no_context_takeover; server_no_context_takeover; server_max_window_bits=10',
    );
  });

  it.each<[string, string, typeof PLAIN | null, boolean]>([
    ['something else', 'x-new', PLAIN, false],
    ['something that was not offered', 'permessage-deflate', null, false],
    ['two things', 'permessage-deflate, x-new', PLAIN, false],
    ['a smaller window for the client', 'permessage-deflate; client_max_window_bits=10', PLAIN, false],
    ['nonsense', 'permessage-deflate; =', PLAIN, false],
    ['context kept, where messages are read', 'permessage-deflate', PLAIN, true],
    [
      'context kept, although the client cannot',
      'permessage-deflate',
      { ...PLAIN, serverNoContextTakeover: true },
      false,
    ],
    [
      'a larger window than was asked for',
      'permessage-deflate; server_max_window_bits=12',
      { ...PLAIN, serverMaxWindowBits: 9 } as never,
      false,
    ],
    [
      'no window, where one was asked for',
      'permessage-deflate',
      { ...PLAIN, serverMaxWindowBits: 9 } as never,
      false,
    ],
  ])('with %s is refused', (_what, value, offer, readServer) => {
    expect(readAgreement([value], offer, readServer).ok).toBe(false);
  });
});
