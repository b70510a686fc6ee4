import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  agreementText,
  type DeflateOffer,
  offerText,
  readAgreement,
  readOffer,
} from '../../../src/http/websocket/extensions.ts';

const PLAIN: DeflateOffer = {
  serverNoContextTakeover: false,
  serverMaxWindowBits: null,
  clientMaxWindowBits: null,
};
const offer = (more: Partial<DeflateOffer>): DeflateOffer => ({ ...PLAIN, ...more });

describe('an offer of compression', () => {
  it.each<[string, string[], DeflateOffer]>([
    ['bare', ['permessage-deflate'], PLAIN],
    ['of browsers', ['permessage-deflate; client_max_window_bits'], offer({ clientMaxWindowBits: 'any' })],
    ['with a hint', ['permessage-deflate;client_max_window_bits=10'], offer({ clientMaxWindowBits: 10 })],
    ['in quotes', ['permessage-deflate; server_max_window_bits="12"'], offer({ serverMaxWindowBits: 12 })],
    ['behind one that is not known', ['x-new; a=1, permessage-deflate'], PLAIN],
    [
      'behind one that cannot be',
      ['permessage-deflate; server_max_window_bits=7, permessage-deflate'],
      PLAIN,
    ],
    [
      'in a second header line',
      ['x-new', 'permessage-deflate; server_no_context_takeover'],
      offer({ serverNoContextTakeover: true }),
    ],
  ])('%s is understood', (_what, values, understood) => {
    expect(readOffer(values)).toEqual(understood);
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
    expect(offerText(offer({ clientMaxWindowBits: 'any' }), false)).toBe(
      'permessage-deflate; client_no_context_takeover; client_max_window_bits',
    );
    expect(offerText(offer({ serverMaxWindowBits: 9, clientMaxWindowBits: 10 }), true)).toBe(
      'permessage-deflate; client_no_context_takeover; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=10',
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
        const read = readOffer([parts.join('')]);
        if (read !== null) expect(readOffer([offerText(read, false)])).toEqual(read);
        readAgreement([parts.join('')], read, true);
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
    const value = { serverNoContextTakeover: true, serverMaxWindowBits: 10, clientMaxWindowBits: null };
    expect(agreed).toEqual({ ok: true, value });
    expect(agreed.ok && agreed.value !== null && agreementText(agreed.value)).toBe(
      'permessage-deflate; client_no_context_takeover; server_no_context_takeover; server_max_window_bits=10',
    );
  });

  it('may ask the client for a smaller window, where that has offered it', () => {
    for (const clientMaxWindowBits of ['any', 12] as const) {
      const agreed = readAgreement(
        ['permessage-deflate; client_max_window_bits=9'],
        offer({ clientMaxWindowBits }),
        false,
      );
      expect(agreed).toEqual({ ok: true, value: offer({ clientMaxWindowBits: 9 }) });
      expect(agreed.ok && agreed.value !== null && agreementText(agreed.value)).toBe(
        'permessage-deflate; client_no_context_takeover; client_max_window_bits=9',
      );
    }
    const valueless = readAgreement(
      ['permessage-deflate; client_max_window_bits'],
      offer({ clientMaxWindowBits: 'any' }),
      false,
    );
    expect(valueless.ok).toBe(false);
  });

  it.each<[string, string, DeflateOffer | null, boolean]>([
    ['something else', 'x-new', PLAIN, false],
    ['something that was not offered', 'permessage-deflate', null, false],
    ['two things', 'permessage-deflate, x-new', PLAIN, false],
    [
      'a smaller window for a client that cannot',
      'permessage-deflate; client_max_window_bits=10',
      PLAIN,
      false,
    ],
    ['nonsense', 'permessage-deflate; =', PLAIN, false],
    ['context kept, where messages are read', 'permessage-deflate', PLAIN, true],
    [
      'context kept, although the client cannot',
      'permessage-deflate',
      offer({ serverNoContextTakeover: true }),
      false,
    ],
    [
      'a larger window than was asked for',
      'permessage-deflate; server_max_window_bits=12',
      offer({ serverMaxWindowBits: 9 }),
      false,
    ],
    ['no window, where one was asked for', 'permessage-deflate', offer({ serverMaxWindowBits: 9 }), false],
  ])('with %s is refused', (_what, value, offered, readServer) => {
    expect(readAgreement([value], offered, readServer).ok).toBe(false);
  });
});
