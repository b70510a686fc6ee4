import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Mask } from '../../src/inject/mask.ts';

const SECRET = 'sk-live/4242+Zz&"q<0>';
const mask = new Mask([{ secret: SECRET, placeholder: 'openshell:resolve:env:K' }]);

const streamed = async (text: string | Buffer, sizes: readonly number[], by = mask): Promise<string> => {
  const bytes = Buffer.from(text);
  const pieces: Buffer[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i += 1) {
    const size = Math.max(1, sizes[i % sizes.length] ?? 1);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return (await buffer(Readable.from(pieces).pipe(by.stream()))).toString();
};

describe('secrets that a server sends back', () => {
  it.each([
    ['itself', SECRET],
    ['JSON', JSON.stringify({ token: SECRET })],
    ['JSON with escaped slashes', JSON.stringify(SECRET).replaceAll('/', '\\/')],
    [
      'JSON as Go writes it',
      JSON.stringify(SECRET).replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`),
    ],
    ['a query', `?token=${encodeURIComponent(SECRET)}&x=1`],
    ['a query in lower case', `?token=${encodeURIComponent(SECRET).replace(/%../g, (d) => d.toLowerCase())}`],
    ['a form', new URLSearchParams({ token: SECRET }).toString()],
    [
      'HTML',
      `<p>${SECRET.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')}</p>`,
    ],
    ['base64', Buffer.from(SECRET).toString('base64')],
    ['base64 of Basic', Buffer.from(`user:${SECRET}`).toString('base64')],
    ['base64, one on', Buffer.from(`x${SECRET}yz`).toString('base64')],
    ['base64url, two on', Buffer.from(`xy${SECRET}z`).toString('base64url')],
    ['hexadecimal', Buffer.from(SECRET).toString('hex')],
  ])('are masked as %s, with as many bytes', async (_, text) => {
    const out = await streamed(`before ${text} after`, [5]);
    expect(out).toHaveLength(`before ${text} after`.length);
    expect(out).toMatch(/^before .*\*{8}.* after$/s);
    for (const form of [SECRET, encodeURIComponent(SECRET), Buffer.from(SECRET).toString('hex')])
      expect(out.toLowerCase()).not.toContain(form.toLowerCase());
    const digits = [...out.matchAll(/[A-Za-z0-9+/_-]{4,}/g)].map(([found]) =>
      Buffer.from(found, 'base64').toString('latin1'),
    );
    expect(digits.join(' ')).not.toContain('4242');
  });

  it('become placeholders in headers', () => {
    expect(
      mask.headers(['Location', `https://a.test/?t=${encodeURIComponent(SECRET)}`, 'X', SECRET]),
    ).toEqual([
      'Location',
      'https://a.test/?t=openshell%3Aresolve%3Aenv%3AK',
      'X',
      'openshell:resolve:env:K',
    ]);
    const basic = Buffer.from(SECRET).toString('base64');
    expect(mask.text(`Basic ${basic}`)).toMatch(/^Basic \*+/);
    expect(mask.text('nothing')).toBe('nothing');
  });

  it('are found wherever the pieces part, and nothing else changes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.constantFrom(SECRET, SECRET.slice(0, 9), SECRET.slice(3)), fc.string()), {
          maxLength: 12,
        }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        async (parts, sizes) => {
          const text = parts.join('');
          const out = await streamed(text, sizes);
          expect(out).toBe(mask.bytes(Buffer.from(text)).toString());
          if (!text.includes(SECRET)) return;
          expect(out).not.toContain(SECRET);
        },
      ),
    );
  });

  it('of which one is part of another, or overlaps another, leave nothing of either', async () => {
    const by = new Mask([
      { secret: 'abcdefgh', placeholder: null },
      { secret: 'abcdefgh-and-more', placeholder: null },
      { secret: 'and-more-still', placeholder: null },
    ]);
    const text = '<abcdefgh-and-more-still> <abcdefgh-and> <and-more-stilabcdefgh>';
    const wanted = `<${'*'.repeat(23)}> <********-and> <and-more-stil********>`;
    for (const size of [1, 2, 3, 7, 100]) expect(await streamed(text, [size], by)).toBe(wanted);
  });

  it('are not waited for longer than they could still come', () => {
    const pieces = mask.pieces();
    expect(pieces.push(Buffer.from('data: {"a": 1}\n\n')).toString()).toBe('data: {"a": 1}\n\n');
    expect(pieces.push(Buffer.from('data: sk-li')).toString()).toBe('data: ');
    expect(pieces.push(Buffer.from('on\n\n')).toString()).toBe('sk-lion\n\n');
  });
});
