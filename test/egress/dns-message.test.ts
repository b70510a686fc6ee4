import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { readQuery, writeError, writeReply } from '../../src/egress/dns-message.ts';
import { query } from './dns-queries.ts';

const address = (text: string) => parseAddress(text)!;
const read = (message: Uint8Array) => {
  const result = readQuery(message);
  if (!result.ok) throw new Error(`refused: ${result.error}`);
  return result.value;
};
const errorOf = (message: Uint8Array) => {
  const result = readQuery(message);
  return result.ok ? 'read' : result.error;
};

describe('readQuery', () => {
  it('reads name and type and keeps the question as it was asked', () => {
    const message = query('WwW.Example.com', 28, { id: 0xbeef });
    expect(read(message)).toMatchObject({
      id: 0xbeef,
      name: 'WwW.Example.com',
      type: 'AAAA',
      recursionDesired: true,
    });
    expect(Buffer.from(read(message).section).toString('latin1')).toContain('\x03WwW\x07Example\x03com\0');
  });

  it('names types as they are known, or by their number', () => {
    expect(read(query('a.test', 65)).type).toBe('HTTPS');
    expect(read(query('a.test', 61_000)).type).toBe('TYPE61000');
  });

  it('takes EDNS options and does not look at them', () => {
    const options = Buffer.from([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    expect(read(query('a.test', 1, { additional: 1, tail: options })).name).toBe('a.test');
  });

  it.each([
    ['a response', query('a.test', 1, { flags: 0x8100 }), null],
    ['less than a header', Buffer.alloc(11), null],
    ['more than any library sends', Buffer.concat([query('a.test', 1), Buffer.alloc(1232)]), null],
    ['another kind of query', query('a.test', 1, { flags: 0x1000 }), 'NOTIMP'],
    ['another class', query('a.test', 1, { class: 3 }), 'NOTIMP'],
    ['no question', query('a.test', 1, { questions: 0 }), 'FORMERR'],
    ['two questions', query('a.test', 1, { questions: 2 }), 'FORMERR'],
    ['answers', query('a.test', 1, { answers: 1 }), 'FORMERR'],
    ['a name that points at itself', query(Buffer.from([0xc0, 12]), 1), 'FORMERR'],
    ['a name with a pointer behind a label', query(Buffer.from([1, 97, 0xc0, 0]), 1), 'FORMERR'],
    ['a label type of old', query(Buffer.from([0x41, 1, 2, 3, 0]), 1), 'FORMERR'],
    ['a name without an end', query('a.test', 1).subarray(0, 18), 'FORMERR'],
    ['a question without a class', query('a.test', 1).subarray(0, -1), 'FORMERR'],
    ['a name of 256 bytes', query([63, 63, 63, 62].map((n) => 'x'.repeat(n)).join('.'), 1), 'FORMERR'],
  ])('does not take %s', (_what, message, code) => {
    expect(errorOf(message)).toBe(code);
  });

  it('takes a name of 255 bytes', () => {
    expect(errorOf(query([63, 63, 63, 61].map((n) => 'x'.repeat(n)).join('.'), 1))).toBe('read');
  });

  it('never fails on bytes, and what it reads can always be answered', () => {
    const header = fc.constantFrom(
      Buffer.from([1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
      Buffer.from([1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]),
      Buffer.alloc(0),
    );
    const message = fc.tuple(header, fc.uint8Array({ maxLength: 300 })).map((parts) => Buffer.concat(parts));
    fc.assert(
      fc.property(message, (bytes) => {
        const result = readQuery(bytes);
        if (!result.ok) return result.error === null || writeError(bytes, result.error).length === 12;
        const reply = Buffer.from(writeReply(result.value, { code: 'NXDOMAIN', addresses: [], ttl: 0 }, 512));
        const { section } = result.value;
        return (
          reply.length <= 512 &&
          reply.subarray(12).equals(section) &&
          bytes.subarray(12, 12 + section.length).equals(section)
        );
      }),
      { seed: 20251124, numRuns: 20_000 },
    );
  });
});

describe('writeReply', () => {
  const question = read(query('a.test', 1, { id: 7 }));

  it('gives addresses under the name of the question', () => {
    const reply = Buffer.from(
      writeReply(question, { code: 'NOERROR', addresses: [address('198.18.1.0')], ttl: 30 }, 512),
    );
    expect(reply.readUInt16BE(0)).toBe(7);
    expect(reply.readUInt16BE(2)).toBe(0x8180);
    expect([4, 6, 8, 10].map((at) => reply.readUInt16BE(at))).toEqual([1, 1, 0, 0]);
    expect(reply.subarray(24).toString('hex')).toBe('c00c000100010000001e0004c6120100');
  });

  it('says that it was cut when it does not fit', () => {
    const many = Array.from({ length: 16 }, (_, i) => address(`fd6f:7065:6e73:6865::${i + 256}`));
    const whole = writeReply(question, { code: 'NOERROR', addresses: many, ttl: 1 }, 65_535);
    const cut = Buffer.from(writeReply(question, { code: 'NOERROR', addresses: many, ttl: 1 }, 400));
    expect(whole.length).toBe(12 + 12 + 16 * 28);
    expect(cut.readUInt16BE(2) & 0x0200).toBe(0x0200);
    expect(cut.readUInt16BE(6)).toBe(0);
  });
});
