import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClientHello, clientHello } from '../../../src/http/tls/client-hello.ts';
import { extension, hello, RECORDED, records, serverName } from './hellos.ts';

const kind = (bytes: Uint8Array): ClientHello['kind'] => clientHello(bytes).kind;

describe('a recorded hello', () => {
  for (const [client, { bytes, sni, alpn }] of Object.entries(RECORDED)) {
    it(`of ${client} is read`, () => {
      expect(clientHello(bytes)).toEqual({ kind: 'hello', sni, alpn });
    });

    it(`of ${client} is waited for to its last byte, and no further`, () => {
      for (let length = 0; length < bytes.length; length += 1) {
        const read = clientHello(bytes.subarray(0, length));
        expect(read).toMatchObject({ kind: 'more' });
        const { atLeast } = read as Extract<ClientHello, { kind: 'more' }>;
        expect(atLeast).toBeGreaterThan(length);
        expect(atLeast).toBeLessThanOrEqual(bytes.length);
      }
      const early = Buffer.concat([bytes, Buffer.from([0x17, 3, 3, 0, 1, 9])]);
      expect(clientHello(early)).toEqual({ kind: 'hello', sni, alpn });
    });

    it(`of ${client} is the same in records of any size`, () => {
      const message = bytes.subarray(5);
      for (const size of [1, 2, 3, 4, 5, 50, 255, 256])
        expect(clientHello(records(message, size))).toEqual({ kind: 'hello', sni, alpn });
    });
  }
});

describe('what is no TLS', () => {
  it.each([
    'GET / HTTP/1.1\r\n',
    'SSH-2.0-x\r\n',
    '\x80\x2e\x01\x03\x01',
    '\x17\x03\x03',
    '\0',
    'PRI * HTTP/2.0\r\n',
  ])('is told by its first byte: %j', (text) => {
    expect(clientHello(Buffer.from(text, 'latin1'))).toEqual({ kind: 'not-tls' });
    expect(clientHello(Buffer.from(text[0]!, 'latin1'))).toEqual({ kind: 'not-tls' });
  });
});

describe('a hello', () => {
  it('without extensions, or without a name, has no name', () => {
    for (const bytes of [hello(null), hello([]), hello([extension(10, Buffer.from([0, 2, 0, 23]))])])
      expect(clientHello(records(bytes))).toEqual({ kind: 'hello', sni: null, alpn: [] });
  });

  it('has its name in lower case', () => {
    expect(clientHello(records(hello([serverName('API.Example.Test')])))).toMatchObject({
      sni: 'api.example.test',
    });
  });

  it('of just 16 KiB is read, a longer one is not waited for', () => {
    const padding = (size: number) =>
      records(hello([serverName('a.test'), extension(21, Buffer.alloc(size))]));
    const own = padding(0).length;
    expect(clientHello(padding(16384 - own))).toMatchObject({ kind: 'hello', sni: 'a.test' });
    const longer = padding(16384 - own + 1);
    expect(clientHello(longer)).toEqual({ kind: 'broken', why: 'the hello is longer than 16384 bytes' });
    expect(kind(longer.subarray(0, 5))).toBe('broken');
  });
});

describe('is broken', () => {
  const whole = hello([serverName('a.test')]);
  const changed = (at: number, value: number): Buffer => {
    const copy = Buffer.from(records(whole));
    copy[at] = value;
    return copy;
  };
  const named = (body: Buffer): Buffer => records(hello([extension(0, body)]));

  it.each<[string, Buffer]>([
    ['another major version of the record', changed(1, 2)],
    ['an empty record', Buffer.from([0x16, 3, 1, 0, 0])],
    ['a record that is too long', Buffer.from([0x16, 3, 1, 0x40, 1])],
    ['a message of another type', changed(5, 2)],
    ['another major version', changed(9, 2)],
    [
      'a record of another type within it',
      Buffer.concat([records(whole.subarray(0, 9)), Buffer.from([0x15])]),
    ],
    ['a message behind it in its record', records(Buffer.concat([whole, Buffer.from([1])]))],
    ['two names of hosts', records(hello([serverName('a.test', 'b.test')]))],
    ['two extensions with names', records(hello([serverName('a.test'), serverName('b.test')]))],
    ['a name of no kind', named(Buffer.from([0, 4, 1, 0, 1, 97]))],
    ['an empty name', records(hello([serverName('')]))],
    ['an empty list of names', named(Buffer.from([0, 0]))],
    ['bytes behind the list of names', named(Buffer.from([0, 4, 0, 0, 1, 97, 0]))],
    ['a zero byte in the name', records(hello([serverName('a.test\0.b')]))],
    ['a name that is not ASCII', records(hello([serverName('b\u00fc.test')]))],
    ['an empty list of protocols', records(hello([extension(16, Buffer.from([0, 0]))]))],
    ['a protocol without a name', records(hello([extension(16, Buffer.from([0, 1, 0]))]))],
    ['an extension that is cut', records(hello([Buffer.from([0, 0, 0, 9, 0])]))],
    ['bytes behind the extensions', records(hello([], { tail: Buffer.from([0]) }))],
    ['an odd list of cipher suites', records(hello([], { suites: Buffer.from([0x13]) }))],
    ['no cipher suites', records(hello([], { suites: Buffer.alloc(0) }))],
    ['a session id of 33 bytes', records(hello([], { session: Buffer.alloc(33) }))],
    ['only compressed', records(hello([], { compression: Buffer.from([1]) }))],
  ])('with %s', (_what, bytes) => {
    expect(clientHello(bytes)).toMatchObject({ kind: 'broken', why: expect.any(String) });
  });
});

describe('whatever is sent', () => {
  const seeds = Object.values(RECORDED).map(({ bytes }) => bytes);
  const mutated = fc
    .record({
      seed: fc.constantFrom(...seeds),
      changes: fc.array(fc.record({ at: fc.nat(2000), value: fc.integer({ min: 0, max: 255 }) }), {
        maxLength: 4,
      }),
      cut: fc.nat(2000),
      tail: fc.uint8Array({ maxLength: 40 }),
      size: fc.integer({ min: 1, max: 2000 }),
    })
    .map(({ seed, changes, cut, tail, size }) => {
      const message = Buffer.from(seed.subarray(5));
      for (const { at, value } of changes) message[at % message.length] = value;
      return Buffer.concat([records(message.subarray(0, Math.max(1, cut)), size), tail]);
    });
  const any = fc.oneof(
    mutated,
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from([0x16, ...bytes])),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => records(Buffer.from([1, 0, 0, bytes.length, ...bytes]))),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  );

  it('is read without a throw, and what is once decided does not change with more bytes', () => {
    fc.assert(
      fc.property(any, fc.uint8Array({ maxLength: 50 }), (bytes, further) => {
        let decided: ClientHello | null = null;
        const all = Buffer.concat([bytes, further]);
        for (let length = 0; length <= all.length; length += 1 + (length >> 5)) {
          const read = clientHello(all.subarray(0, length));
          if (decided !== null) expect(read).toEqual(decided);
          else if (read.kind === 'more') expect(read.atLeast).toBeGreaterThan(length);
          else decided = read;
          if (read.kind === 'hello' && read.sni !== null) expect(read.sni).toMatch(/^[a-z0-9_.-]{1,255}$/);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('says the same as a reader that waits for `atLeast` bytes each time', () => {
    fc.assert(
      fc.property(any, (bytes) => {
        let length = 0;
        for (;;) {
          const read = clientHello(bytes.subarray(0, length));
          if (read.kind !== 'more') {
            expect(kind(bytes)).toBe(read.kind);
            return;
          }
          if (read.atLeast > bytes.length) {
            // Of what is not whole, more may be known to be broken.
            expect(['more', 'broken']).toContain(kind(bytes));
            return;
          }
          length = read.atLeast;
        }
      }),
      { numRuns: 1500 },
    );
  });
});
