import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader, type FrameToken } from '../../../src/inspect/websocket/frame-reader.ts';
import { cut, frame, type Written } from './frames.ts';

const OF_CLIENT = { masked: true, deflate: false };
const OF_SERVER = { masked: false, deflate: false };

/** All tokens, copied; pieces of one payload put together, as where they are cut says nothing. */
function read(chunks: readonly Buffer[], rules = OF_CLIENT): FrameToken[] {
  const reader = new FrameReader(rules);
  const tokens: FrameToken[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let token = reader.next(); token !== null; token = reader.next()) {
      const last = tokens.at(-1);
      if (token.kind === 'payload' && last?.kind === 'payload')
        tokens[tokens.length - 1] = { kind: 'payload', bytes: Buffer.concat([last.bytes, token.bytes]) };
      else if (token.kind === 'payload') tokens.push({ kind: 'payload', bytes: Buffer.from(token.bytes) });
      else if (token.kind === 'control') tokens.push({ ...token, payload: Buffer.from(token.payload) });
      else tokens.push(token);
    }
  }
  return tokens;
}

const expected = ({ fin = true, rsv = 0, opcode, payload = '' }: Written): FrameToken[] => {
  const bytes = Buffer.from(payload as string);
  if (opcode >= 8) return [{ kind: 'control', opcode: opcode as 8, payload: bytes }];
  const head = { fin, rsv1: rsv === 4, opcode: opcode as 0, length: bytes.length };
  return [
    { kind: 'head', head },
    ...(bytes.length > 0 ? [{ kind: 'payload', bytes } as const] : []),
    { kind: 'end', fin },
  ];
};

/** Messages in fragments, with control frames between them. */
const conversation = fc
  .array(
    fc.record({
      opcode: fc.constantFrom(1, 2),
      rsv: fc.constantFrom(0, 4),
      parts: fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 4 }),
      control: fc.option(
        fc.record({ opcode: fc.constantFrom(9, 10), payload: fc.uint8Array({ maxLength: 125 }) }),
      ),
    }),
    { maxLength: 5 },
  )
  .map((messages) =>
    messages.flatMap(({ opcode, rsv, parts, control }): Written[] => {
      const frames = parts.map((payload, i) => ({
        fin: i === parts.length - 1,
        rsv: i === 0 ? rsv : 0,
        opcode: i === 0 ? opcode : 0,
        payload,
      }));
      return control === null ? frames : [frames[0]!, control, ...frames.slice(1)];
    }),
  );
const places = fc.array(fc.nat({ max: 5000 }), { maxLength: 30 });
const masks = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));

describe('reading frames', () => {
  it('gives the same however the bytes are cut', () => {
    fc.assert(
      fc.property(conversation, places, fc.option(masks), (frames, at, mask) => {
        const bytes = Buffer.concat(frames.map((one) => frame({ ...one, mask })));
        const tokens = read(cut(bytes, at), { masked: mask !== null, deflate: true });
        expect(tokens).toEqual(frames.flatMap(expected));
      }),
      { numRuns: 300 },
    );
  });

  it('gives the same byte by byte', () => {
    const frames: Written[] = [
      { opcode: 1, fin: false, payload: 'Hel' },
      { opcode: 9, payload: 'ping' },
      { opcode: 0, payload: 'lo' },
      { opcode: 2, payload: Buffer.alloc(300, 7) },
    ];
    const bytes = Buffer.concat(frames.map(frame));
    expect(read(Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(frames.flatMap(expected));
  });

  it('never throws, and says nothing after a fault', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 60 })),
        fc.boolean(),
        fc.boolean(),
        (chunks, masked, deflate) => {
          const tokens = read(
            chunks.map((chunk) => Buffer.from(chunk)),
            { masked, deflate },
          );
          const at = tokens.findIndex(({ kind }) => kind === 'fault');
          expect(at === -1 || at === tokens.length - 1).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each<[string, Written, Written?]>([
    ['reserved bit 2', { opcode: 1, rsv: 2 }],
    ['reserved bit 3', { opcode: 1, rsv: 1 }],
    ['reserved bit 1 where no compression was agreed on', { opcode: 1, rsv: 4 }],
    ['reserved bit 1 on a control frame', { opcode: 9, rsv: 4 }],
    ['reserved opcode 3', { opcode: 3 }],
    ['reserved opcode 7', { opcode: 7 }],
    ['reserved opcode 11', { opcode: 11 }],
    ['reserved opcode 15', { opcode: 15 }],
    ['no mask', { opcode: 1, payload: 'a', mask: null }],
    ['a ping in fragments', { opcode: 9, fin: false }],
    ['a ping of 126 bytes', { opcode: 9, payload: Buffer.alloc(126) }],
    ['a close of 70,000 bytes', { opcode: 8, payload: Buffer.alloc(70_000) }],
    ['a ping with a long form of a short length', { opcode: 9, payload: 'a', lengthForm: 16 }],
    ['125 bytes with 16 bits of length', { opcode: 2, payload: Buffer.alloc(125), lengthForm: 16 }],
    ['65535 bytes with 64 bits of length', { opcode: 2, payload: Buffer.alloc(65_535), lengthForm: 64 }],
    ['no bytes with 64 bits of length', { opcode: 2, lengthForm: 64 }],
    ['a length of 2^63', { opcode: 2, length: 1n << 63n }],
    ['a length of 2^64 - 1', { opcode: 2, length: (1n << 64n) - 1n }],
    ['a continuation of nothing', { opcode: 0 }],
    ['a continuation of a message that has ended', { opcode: 1 }, { opcode: 0 }],
    ['a message inside a message', { opcode: 1, fin: false }, { opcode: 1 }],
    ['a binary message inside a text message', { opcode: 1, fin: false }, { opcode: 2 }],
  ])('%s is a protocol error', (_what, ...frames) => {
    const bytes = Buffer.concat(frames.flatMap((one) => (one === undefined ? [] : [frame(one)])));
    expect(read([bytes]).at(-1)).toMatchObject({ kind: 'fault', code: 1002 });
    expect(read(cut(bytes, [1, 2, 3, 4, 5])).at(-1)).toMatchObject({ kind: 'fault', code: 1002 });
  });

  it('finds a fault in the first two bytes, without the rest of the frame', () => {
    expect(read([Buffer.from([0x83, 0x80])])).toMatchObject([{ kind: 'fault', code: 1002 }]);
    expect(read([Buffer.from([0x81, 0x05])])).toMatchObject([{ kind: 'fault', code: 1002 }]);
  });

  it('a mask of a server is a protocol error', () => {
    expect(read([frame({ opcode: 1 })], OF_SERVER)).toMatchObject([{ kind: 'fault', code: 1002 }]);
  });

  it('a reserved bit 1 on a continuation is a protocol error, compression or not', () => {
    const bytes = Buffer.concat([frame({ opcode: 1, rsv: 4, fin: false }), frame({ opcode: 0, rsv: 4 })]);
    expect(read([bytes], { masked: true, deflate: true }).at(-1)).toMatchObject({
      kind: 'fault',
      code: 1002,
    });
  });

  it('lengths up to 2^53 - 1 are read, larger ones are too large', () => {
    const longest = read([frame({ opcode: 2, length: (1n << 53n) - 1n })]);
    expect(longest).toMatchObject([{ kind: 'head', head: { length: Number.MAX_SAFE_INTEGER } }]);
    expect(read([frame({ opcode: 2, length: 1n << 53n })])).toMatchObject([{ kind: 'fault', code: 1009 }]);
  });

  it('keeps nothing of the chunks it has read', () => {
    const reader = new FrameReader(OF_CLIENT);
    const ping = frame({ opcode: 9, payload: 'abc' });
    reader.push(ping.subarray(0, 7));
    expect(reader.next()).toBeNull();
    ping.fill(0, 0, 7);
    reader.push(ping.subarray(7));
    expect(Buffer.from((reader.next() as { payload: Uint8Array }).payload).toString()).toBe('abc');
  });
});
