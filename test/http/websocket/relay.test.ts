import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { constants, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeldBytes } from '../../../src/http/inspected/content.ts';
import { SharedByWebSockets } from '../../../src/http/websocket/budget.ts';
import { deflateMessage } from '../../../src/http/websocket/compression.ts';
import type { WebSocketLimits } from '../../../src/http/websocket/limits.ts';
import {
  relayWebSocket,
  type WebSocketEnd,
  type WebSocketOptions,
} from '../../../src/http/websocket/relay.ts';
import { Mask } from '../../../src/inject/mask.ts';
import { FrameReader, type FrameToken } from '../../../src/inspect/websocket/frame-reader.ts';
import { cut, frame, type Written } from '../../inspect/websocket/frames.ts';
import { eventually, listen, onCleanup } from '../harness.ts';

const MASK = new Mask([{ secret: 'secret', placeholder: null }]);

/** A peer that writes bytes and keeps the frames that it gets. */
class Peer {
  readonly frames: { opcode: number; fin: boolean; rsv1: boolean; payload: Buffer }[] = [];
  bytes = 0;
  ended = false;
  fault: FrameToken | null = null;
  readonly socket: Socket;
  readonly #reader: FrameReader;
  #head: { opcode: number; fin: boolean; rsv1: boolean } | null = null;
  #payload: Buffer[] = [];

  constructor(socket: Socket, masked: boolean) {
    this.socket = socket;
    this.#reader = new FrameReader({ masked, deflate: true });
    socket.on('error', () => undefined);
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length;
      this.#reader.push(chunk);
      for (let token = this.#reader.next(); token !== null; token = this.#reader.next()) this.#take(token);
    });
  }

  #take(token: FrameToken): void {
    if (token.kind === 'fault') this.fault = token;
    else if (token.kind === 'control')
      this.frames.push({ opcode: token.opcode, fin: true, rsv1: false, payload: Buffer.from(token.payload) });
    else if (token.kind === 'head') [this.#head, this.#payload] = [token.head, []];
    else if (token.kind === 'payload') this.#payload.push(Buffer.from(token.bytes));
    else {
      const { opcode, fin, rsv1 } = this.#head!;
      this.frames.push({ opcode, fin, rsv1, payload: Buffer.concat(this.#payload) });
    }
  }

  /** What came, in words: `text:hello`, `close:1000`. */
  get log(): string[] {
    const names: Record<number, string> = {
      0: 'more',
      1: 'text',
      2: 'binary',
      8: 'close',
      9: 'ping',
      10: 'pong',
    };
    return this.frames.map(({ opcode, payload, fin, rsv1 }) => {
      const text =
        opcode === 8 ? (payload.length > 1 ? String(payload.readUInt16BE()) : '') : payload.toString();
      return `${names[opcode]}${fin ? '' : '…'}${rsv1 ? '*' : ''}:${text}`;
    });
  }

  write(...chunks: (Buffer | Written)[]): this {
    for (const chunk of chunks) this.socket.write(Buffer.isBuffer(chunk) ? chunk : frame(chunk));
    return this;
  }
}

const DEFLATE = { serverNoContextTakeover: true, serverMaxWindowBits: null, clientMaxWindowBits: null };

type Options = Partial<Omit<WebSocketOptions, 'onEnd' | 'shared'>> & {
  readonly limits?: Partial<WebSocketLimits>;
  readonly heldBytes?: number;
};

async function relayed({ limits = {}, heldBytes = 64 * 1024 * 1024, ...options }: Options = {}) {
  const sides: Socket[] = [];
  const { port } = await listen((socket) => sides.push(socket));
  const ends: WebSocketEnd[] = [];
  const judged: string[] = [];
  const memory = new HeldBytes({ heldBytes, bodyMs: 0 });
  const shared = new SharedByWebSockets(memory, limits);
  const ours: Socket[] = [];
  for (const i of [0, 1]) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    onCleanup(() => socket.destroy());
    await once(socket, 'connect');
    await eventually(() => sides.length > i);
    ours.push(socket);
  }
  const client = new Peer(ours[0]!, false);
  const server = new Peer(ours[1]!, true);
  const relay = relayWebSocket({
    client: sides[0]!,
    clientHead: Buffer.alloc(0),
    server: sides[1]!,
    serverHead: Buffer.alloc(0),
    deflate: DEFLATE,
    judgeText: (text) => {
      judged.push(text.toString());
      return text.includes('bad')
        ? { kind: 'refuse', code: 1008, why: 'not allowed' }
        : { kind: 'pass', text };
    },
    judgeBinary: () => ({ kind: 'pass' }),
    ...options,
    shared,
    onEnd: (end) => ends.push(end),
  });
  const allGivenBack = (): boolean => memory.held === 0;
  return { client, server, relay, ends, judged, shared, sides, allGivenBack };
}

const text = (payload: string, more: Partial<Written> = {}): Written => ({ opcode: 1, payload, ...more });
const fromServer = (written: Written): Buffer => frame({ ...written, mask: null });
const close = (code: number): Written => ({ opcode: 8, payload: Buffer.from([code >> 8, code & 0xff]) });

describe('a text message of a client', () => {
  it('is judged and goes on', async () => {
    const { client, server, judged } = await relayed();
    client.write(text('hello'));
    await eventually(() => server.log.length === 1);
    expect(server.log).toEqual(['text:hello']);
    expect(judged).toEqual(['hello']);
  });

  it('goes on with another mask than it came with', async () => {
    const { client, server, sides } = await relayed();
    const raw: Buffer[] = [];
    server.socket.on('data', (chunk) => raw.push(Buffer.from(chunk)));
    client.write(text('hello'), text('hello'));
    await eventually(() => server.frames.length === 2);
    const came = Buffer.concat(raw);
    expect(came).toHaveLength(22);
    expect(came.subarray(0, 11)).not.toEqual(came.subarray(11));
    expect(came.includes(frame(text('hello')).subarray(2, 6))).toBe(false);
    expect(sides).toHaveLength(2);
  });

  it('is judged as a whole: nothing of it goes on before its last fragment', async () => {
    const { client, server, judged } = await relayed();
    client.write(
      text('he', { fin: false }),
      { opcode: 9, payload: 'p' },
      { opcode: 0, fin: false, payload: 'll' },
    );
    await eventually(() => server.log.length === 1);
    expect(server.log).toEqual(['ping:p']);
    expect(judged).toEqual([]);
    client.write({ opcode: 0, payload: 'o' });
    await eventually(() => server.log.length === 2);
    expect(server.log[1]).toBe('text:hello');
  });

  it('is not sent before a slow judge has answered, and what follows waits', async () => {
    const asked: string[] = [];
    let answer: (() => void) | undefined;
    const { client, server } = await relayed({
      judgeText: (bytes) => {
        asked.push(bytes.toString());
        if (asked.length > 1) return { kind: 'pass', text: bytes };
        return new Promise((resolve) => {
          answer = () => resolve({ kind: 'pass', text: bytes });
        });
      },
    });
    client.write(Buffer.concat([text('one'), text('two'), { opcode: 9, payload: 'p' }].map(frame)));
    await eventually(() => answer !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([asked, server.bytes]).toEqual([['one'], 0]);
    answer!();
    await eventually(() => server.log.length === 3);
    expect(server.log).toEqual(['text:one', 'text:two', 'ping:p']);
  });

  it('can be replaced', async () => {
    const { client, server } = await relayed({
      judgeText: (bytes) => ({ kind: 'pass', text: Buffer.from(`${bytes} and more`) }),
    });
    client.write(text('hello'));
    await eventually(() => server.log.length === 1);
    expect(server.log).toEqual(['text:hello and more']);
  });

  it('that is refused closes both sides; nothing of it and nothing behind it was sent', async () => {
    const { client, server, ends, judged, allGivenBack } = await relayed();
    client.write(
      Buffer.concat([text('good'), text('bad'), text('late'), { opcode: 2, payload: 'x' }].map(frame)),
    );
    await eventually(() => client.log.length === 1);
    expect(client.log).toEqual(['close:1008']);
    expect(client.frames[0]!.payload.subarray(2).toString()).toBe('not allowed');
    client.write(close(1008)).socket.end();
    await eventually(() => server.log.length === 2);
    server.socket.end(fromServer(close(1001)));
    await eventually(() => ends.length === 1);
    expect(server.log).toEqual(['text:good', 'close:1001']);
    expect(judged).toEqual(['good', 'bad']);
    expect(ends).toMatchObject([{ cause: 'refused', side: 'client', code: 1008 }]);
    expect(allGivenBack()).toBe(true);
  });

  it('is judged when it came compressed, and goes on compressed', async () => {
    const { client, server, judged } = await relayed();
    const long = 'hello '.repeat(200);
    client.write({ opcode: 1, rsv: 4, payload: await deflateMessage(Buffer.from(long)) });
    client.write({ opcode: 1, rsv: 4, payload: await deflateMessage(Buffer.from('short')) });
    await eventually(() => server.frames.length === 2);
    expect(judged).toEqual([long, 'short']);
    expect(server.frames.map(({ rsv1 }) => rsv1)).toEqual([true, false]);
    expect(server.frames[0]!.payload).toEqual(await deflateMessage(Buffer.from(long)));
  });

  it.each([8, 9, 15])(
    'goes on with a window of %d bits where the server asked for that',
    async (clientMaxWindowBits) => {
      const { client, server } = await relayed({ deflate: { ...DEFLATE, clientMaxWindowBits } });
      const words = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `${i % 997} `).join(''));
      client.write({ opcode: 1, rsv: 4, payload: await deflateMessage(words) });
      await eventually(() => server.frames.length === 1);
      const { rsv1, payload } = server.frames[0]!;
      expect(rsv1).toBe(clientMaxWindowBits > 8);
      const windowBits = Math.max(9, clientMaxWindowBits);
      const options = { windowBits, finishFlush: constants.Z_SYNC_FLUSH };
      const tail = Buffer.from([0, 0, 255, 255]);
      expect(rsv1 ? inflateRawSync(Buffer.concat([payload, tail]), options) : payload).toEqual(words);
    },
  );

  it('is judged when it came compressed in fragments', async () => {
    const { client, ends } = await relayed();
    const [one, two] = cut(await deflateMessage(Buffer.from('quite bad')), [5]);
    client.write({ opcode: 1, rsv: 4, fin: false, payload: one! }, { opcode: 0, payload: two! });
    await eventually(() => client.log.length === 1);
    expect(client.log).toEqual(['close:1008']);
    client.socket.destroy();
    await eventually(() => ends.length === 1);
  });

  it('of a judge that fails is not sent', async () => {
    for (const judgeText of [
      () => {
        throw new Error('defect');
      },
      () => Promise.reject(new Error('defect')),
    ]) {
      const { client, server, ends } = await relayed({ judgeText });
      client.write(text('hello'));
      await eventually(() => client.log.length === 1 && server.log.length === 1);
      expect([client.log, server.log]).toEqual([['close:1011'], ['close:1001']]);
      client.socket.destroy();
      server.socket.destroy();
      await eventually(() => ends.length === 1);
      expect(ends).toMatchObject([{ cause: 'defect', error: new Error('defect') }]);
    }
  });
});

describe('a binary message of a client', () => {
  it('goes on frame by frame and piece by piece, unread, compressed or not', async () => {
    const { client, server, judged } = await relayed();
    const bytes = frame({ opcode: 2, rsv: 4, fin: false, payload: Buffer.alloc(200_000, 'x') });
    client.write(bytes.subarray(0, 100_000));
    await eventually(() => server.bytes > 90_000);
    client.write(bytes.subarray(100_000), { opcode: 0, payload: 'end' });
    await eventually(() => server.frames.length === 2);
    expect(server.frames[0]).toMatchObject({ opcode: 2, fin: false, rsv1: true });
    expect(server.frames[0]!.payload).toEqual(Buffer.alloc(200_000, 'x'));
    expect(server.log[1]).toBe('more:end');
    expect(judged).toEqual([]);
  });

  it('that is refused sends nothing', async () => {
    const { client, server, ends } = await relayed({
      judgeBinary: async () => ({ kind: 'refuse', code: 1008, why: 'no binary' }),
    });
    client.write({ opcode: 2, payload: 'bad' });
    await eventually(() => client.log.length === 1 && server.log.length === 1);
    expect([client.log, server.log]).toEqual([['close:1008'], ['close:1001']]);
    client.socket.destroy();
    await eventually(() => ends.length === 1);
  });
});

describe('a hostile client', () => {
  it.each<[string, number, () => Promise<Buffer> | Buffer, Partial<WebSocketLimits>?, number?]>([
    ['no mask', 1002, () => frame(text('x', { mask: null }))],
    ['a reserved bit', 1002, () => frame(text('x', { rsv: 1 }))],
    ['a reserved opcode', 1002, () => frame({ opcode: 5 })],
    ['a ping in fragments', 1002, () => frame({ opcode: 9, fin: false })],
    ['a close frame with half a code', 1002, () => frame({ opcode: 8, payload: 'x' })],
    ['a close code that is never sent', 1002, () => frame(close(1005))],
    ['a reason that is not UTF-8', 1007, () => frame({ opcode: 8, payload: Buffer.from([3, 232, 0xff]) })],
    ['text that is not UTF-8', 1007, () => frame({ opcode: 1, payload: Buffer.from([0x61, 0xff]) })],
    [
      'text with half a surrogate pair',
      1007,
      () => frame({ opcode: 1, payload: Buffer.from([0xed, 0xa0, 0x80]) }),
    ],
    [
      'a compressed message that is none',
      1007,
      () => frame({ opcode: 1, rsv: 4, payload: Buffer.from([0xff, 0xff]) }),
    ],
    [
      'compressed text that is not UTF-8',
      1007,
      async () => frame({ opcode: 1, rsv: 4, payload: await deflateMessage(Buffer.from([0xff])) }),
    ],
    ['a length of 2^53', 1009, () => frame({ opcode: 1, length: 1n << 53n })],
    [
      '4 MiB and one byte of text, announced',
      1009,
      () => frame({ opcode: 1, length: 4n * 1024n * 1024n + 1n }),
    ],
    [
      'fragments that are too much together',
      1009,
      () =>
        Buffer.concat([
          frame(text('x'.repeat(60), { fin: false })),
          frame({ opcode: 0, payload: 'x'.repeat(60) }),
        ]),
      { messageBytes: 100 },
    ],
    [
      'a zip bomb',
      1009,
      async () => frame({ opcode: 1, rsv: 4, payload: await deflateMessage(Buffer.alloc(8 * 1024 * 1024)) }),
    ],
    [
      'too many fragments',
      1009,
      () =>
        Buffer.concat([frame(text('', { fin: false })), ...Array(10).fill(frame({ opcode: 0, fin: false }))]),
      { fragments: 10 },
    ],
    ['more than there is room for', 1013, () => frame(text('x'.repeat(2000), { fin: false })), {}, 1500],
    [
      'a message whose rest does not come',
      1002,
      () => frame(text('x', { fin: false })),
      { messageIdleMs: 30 },
    ],
    ['a message that never ends', 1002, () => frame(text('x', { fin: false })), { messageMs: 30 }],
  ])('with %s is closed with %d', async (_what, code, bytes, limits = {}, heldBytes = 1_000_000_000) => {
    const { client, server, ends, allGivenBack } = await relayed({ limits, heldBytes });
    client.write(await bytes());
    await eventually(() => client.ended && server.log.length === 1);
    expect([client.log, server.log]).toEqual([[`close:${code}`], ['close:1001']]);
    client.socket.end();
    server.socket.end();
    await eventually(() => ends.length === 1);
    expect(ends).toMatchObject([{ cause: 'broken', side: 'client', code }]);
    expect(allGivenBack()).toBe(true);
  });

  it('cannot have text go on by way of a frame that looks binary in the middle', async () => {
    const { client, server } = await relayed();
    client.write(text('b', { fin: false }), { opcode: 2, payload: 'ad' });
    await eventually(() => client.log.length === 1);
    expect([client.log, server.log]).toEqual([['close:1002'], ['close:1001']]);
  });

  it('that sends on and reads nothing is gone after a moment', async () => {
    const { client, ends, server } = await relayed({ limits: { refusedMs: 50 } });
    client.socket.pause();
    client.write(text('bad'));
    const pump = setInterval(() => client.socket.writable && client.socket.write(Buffer.alloc(10_000)), 5);
    onCleanup(() => clearInterval(pump));
    await eventually(() => ends.length === 1);
    expect(server.log).toEqual(['close:1001']);
  });

  it('fed one byte at a time holds no more than its message', async () => {
    const { client, server, shared } = await relayed({ heldBytes: 8192 });
    const bytes = frame(text('y'.repeat(3000)));
    client.socket.setNoDelay(true);
    for (const byte of bytes.subarray(0, -1)) client.socket.write(Buffer.from([byte]));
    await eventually(() => shared.memory.held >= 2999);
    expect(shared.memory.held).toBeLessThanOrEqual(2 * 2999);
    client.socket.write(bytes.subarray(-1));
    await eventually(() => server.frames.length === 1);
    await eventually(() => shared.memory.held === 0);
  });
});

describe('a server', () => {
  it('is heard as it speaks', async () => {
    const { client, server } = await relayed();
    const written = [
      { opcode: 1, fin: false, payload: 'a' },
      { opcode: 9, payload: 'p' },
      { opcode: 0, payload: 'b' },
      { opcode: 2, rsv: 4, payload: 'not read' },
    ].map(fromServer);
    server.write(...written);
    await eventually(() => client.frames.length === 4);
    expect(client.log).toEqual(['text…:a', 'ping:p', 'more:b', 'binary*:not read']);
    expect(client.bytes).toBe(Buffer.concat(written).length);
  });

  it.each<[string, Written]>([
    ['a mask', { opcode: 1, payload: 'x', mask: [1, 2, 3, 4] }],
    ['a reserved bit', { opcode: 1, rsv: 2, mask: null }],
    ['a length that is not short', { opcode: 2, lengthForm: 16, mask: null }],
    ['a close code that is never sent', { ...close(1006), mask: null }],
  ])('with %s is closed, and the client told', async (_what, written) => {
    const { client, server, ends } = await relayed();
    server.write(written);
    await eventually(() => client.log.length === 1 && server.log.length === 1);
    expect([client.log, server.log]).toEqual([['close:1011'], ['close:1002']]);
    client.socket.destroy();
    await eventually(() => ends.length === 1);
    expect(ends).toMatchObject([{ cause: 'broken', side: 'server' }]);
  });

  it('has secrets in its text masked, in pieces and compressed; the rest is as it came', async () => {
    const { client, server } = await relayed({ maskServer: MASK });
    const untouched = await deflateMessage(Buffer.from('nothing here'));
    server.write(
      fromServer({ opcode: 1, fin: false, payload: 'a sec' }),
      fromServer({ opcode: 0, payload: 'ret' }),
      fromServer({ opcode: 1, rsv: 4, payload: await deflateMessage(Buffer.from('the secret')) }),
      fromServer({ opcode: 1, rsv: 4, payload: untouched }),
    );
    await eventually(() => client.frames.length === 3);
    expect(client.log.slice(0, 2)).toEqual(['text:a ******', 'text:the ******']);
    expect(client.frames[2]).toEqual({ opcode: 1, fin: true, rsv1: true, payload: untouched });
  });

  it('has secrets in its binary messages masked, wherever they are cut', async () => {
    const message = Buffer.from([
      0xff,
      0,
      ...Buffer.from('a secret and a secre'),
      0,
      ...Buffer.from('secret'),
    ]);
    const masked = Buffer.from([
      0xff,
      0,
      ...Buffer.from('a ****** and a secre'),
      0,
      ...Buffer.from('******'),
    ]);
    for (let cut = 0; cut <= message.length; cut += 1) {
      const { client, server } = await relayed({ maskServer: MASK });
      server.write(
        fromServer({ opcode: 2, fin: false, payload: message.subarray(0, cut) }),
        fromServer({ opcode: 9, payload: 'p' }),
        fromServer({ opcode: 0, payload: message.subarray(cut) }),
      );
      await eventually(() => client.frames.some(({ opcode, fin }) => fin && opcode !== 9));
      const data = client.frames.filter(({ opcode }) => opcode !== 9);
      expect(data.map(({ opcode }) => opcode)).toEqual(data.map((_, i) => (i === 0 ? 2 : 0)));
      expect(data.map(({ fin }) => fin)).toEqual(data.map((_, i) => i === data.length - 1));
      expect(Buffer.concat(data.map(({ payload }) => payload))).toEqual(masked);
    }
  });

  it('has secrets in its compressed binary messages masked; others go on as they came', async () => {
    const { client, server } = await relayed({ maskServer: MASK });
    const untouched = await deflateMessage(Buffer.from([0xff, 0xfe]));
    server.write(
      fromServer({ opcode: 2, rsv: 4, payload: await deflateMessage(Buffer.from('\xff secret', 'latin1')) }),
      fromServer({ opcode: 2, rsv: 4, payload: untouched }),
    );
    await eventually(() => client.frames.length === 2);
    expect(client.frames).toEqual([
      { opcode: 2, fin: true, rsv1: false, payload: Buffer.from('\xff ******', 'latin1') },
      { opcode: 2, fin: true, rsv1: true, payload: untouched },
    ]);
  });

  it('may send binary messages of any length where secrets are masked', async () => {
    const { client, server } = await relayed({ maskServer: MASK });
    const size = 6_000_000;
    const payload = Buffer.concat([Buffer.alloc(size, 'z'), Buffer.from('secret')]);
    server.write(fromServer({ opcode: 2, payload }));
    await eventually(() => client.frames.at(-1)?.fin === true);
    const got = Buffer.concat(client.frames.map((frame) => frame.payload));
    expect(got.length).toBe(payload.length);
    expect(got.toString('latin1', size)).toBe('******');
  });

  it('that is in the middle of a frame finishes it before the client is told of a refusal', async () => {
    const { client, server } = await relayed();
    const bytes = fromServer({ opcode: 2, payload: Buffer.alloc(1000, 'z') });
    server.write(bytes.subarray(0, 500));
    await eventually(() => client.bytes === 500);
    client.write(text('bad'));
    await eventually(() => server.log.length === 1);
    expect(client.bytes).toBe(500);
    server.write(Buffer.concat([bytes.subarray(500), fromServer({ opcode: 1, payload: 'too late' })]));
    await eventually(() => client.frames.length === 2);
    expect(client.log).toEqual([`binary:${'z'.repeat(1000)}`, 'close:1008']);
  });
});

describe('the end', () => {
  it('goes by the closing handshake, codes and reasons as they were', async () => {
    const { client, server, ends } = await relayed();
    client.write({ opcode: 8, payload: Buffer.from('\x0f\xa1bye', 'latin1') });
    await eventually(() => server.frames.length === 1);
    expect(server.frames[0]!.payload.toString('latin1')).toBe('\x0f\xa1bye');
    server.write(fromServer({ opcode: 1, payload: 'last words' }), fromServer(close(4001)));
    await eventually(() => client.frames.length === 2);
    expect(client.log).toEqual(['text:last words', 'close:4001']);
    server.socket.end();
    await eventually(() => client.ended);
    client.socket.end();
    await eventually(() => ends.length === 1 && server.ended);
    expect(ends).toMatchObject([{ cause: 'closed', side: 'client', code: 4001 }]);
  });

  it('may come from the server, and without a code', async () => {
    const { client, server, ends } = await relayed();
    server.write(fromServer({ opcode: 8 }));
    await eventually(() => client.frames.length === 1);
    client.write({ opcode: 8 });
    await eventually(() => server.frames.length === 1);
    expect([client.log, server.log]).toEqual([['close:'], ['close:']]);
    server.socket.end();
    await eventually(() => client.ended);
    client.socket.end();
    await eventually(() => ends.length === 1);
    expect(ends).toMatchObject([{ cause: 'closed', side: 'server', code: 1005 }]);
  });

  it('drops what comes behind a close frame', async () => {
    const { client, server, judged } = await relayed();
    client.write(Buffer.concat([frame(close(1000)), frame(text('later')), frame({ opcode: 9 })]));
    await eventually(() => server.frames.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([server.log, judged]).toEqual([['close:1000'], []]);
  });

  it('reaches the other side when one is gone', async () => {
    for (const who of ['client', 'server'] as const)
      for (const how of ['end', 'destroy'] as const) {
        const { ends, ...peers } = await relayed();
        peers[who].socket[how]();
        const other = who === 'client' ? peers.server : peers.client;
        await eventually(() => other.ended);
        other.socket.end();
        await eventually(() => ends.length === 1);
        expect(ends).toMatchObject([{ cause: 'gone', side: who, code: null }]);
      }
  });

  it('comes when nobody answers a close frame', async () => {
    const { client, ends } = await relayed({ limits: { closeMs: 40 } });
    client.write(close(1000));
    await eventually(() => ends.length === 1);
  });

  it('comes after silence, where there is a limit', async () => {
    const { client, server } = await relayed({ limits: { webSocketIdleMs: 60 } });
    await eventually(() => client.log.length === 1 && server.log.length === 1);
    expect([client.log, server.log]).toEqual([['close:1001'], ['close:1001']]);
  });

  it('comes from here when the policy has changed, also for what is being judged', async () => {
    let answer: (() => void) | undefined;
    const { client, server, relay, ends } = await relayed({
      judgeText: (bytes) =>
        new Promise((resolve) => {
          answer = () => resolve({ kind: 'pass', text: bytes });
        }),
    });
    client.write(text('hello'));
    await eventually(() => answer !== undefined);
    relay.close(1012, 'the policy has changed');
    relay.close(1000, 'twice');
    answer!();
    await eventually(() => client.log.length === 1 && server.log.length === 1);
    expect([client.log, server.log]).toEqual([['close:1012'], ['close:1001']]);
    client.write(close(1012));
    await eventually(() => client.ended);
    client.socket.end();
    server.socket.end();
    await eventually(() => ends.length === 1);
    expect(ends).toMatchObject([{ cause: 'stopped', side: 'here', code: 1012 }]);
  });
});

describe('both directions', () => {
  it('carry what came behind the handshake', async () => {
    const { client, server } = await relayed({
      clientHead: frame(text('early')),
      serverHead: fromServer({ opcode: 1, payload: 'welcome' }),
    });
    await eventually(() => client.frames.length === 1 && server.frames.length === 1);
    expect([client.log, server.log]).toEqual([['text:welcome'], ['text:early']]);
  });

  it.each(['client', 'server'] as const)('wait for a %s that does not read', async (slow) => {
    const { sides, ...peers } = await relayed();
    const from = slow === 'client' ? peers.server : peers.client;
    const [into, source] = slow === 'client' ? [sides[0]!, sides[1]!] : [sides[1]!, sides[0]!];
    peers[slow].socket.pause();
    const one = frame({
      opcode: 2,
      payload: Buffer.alloc(64 * 1024),
      mask: slow === 'client' ? null : [1, 2, 3, 4],
    });
    for (let i = 0; i < 250; i += 1) from.socket.write(one);
    await eventually(() => source.isPaused());
    expect(into.writableLength).toBeLessThan(1024 * 1024);
    peers[slow].socket.resume();
    await eventually(() => peers[slow].frames.length === 250);
  });

  it('carry any conversation, however it is cut', async () => {
    const message = fc.record({
      opcode: fc.constantFrom(1, 2),
      parts: fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { minLength: 1, maxLength: 3 }),
    });
    const places = fc.array(fc.nat({ max: 2000 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 5 }), places, async (messages, at) => {
        const { client, server } = await relayed({
          judgeText: async (bytes) => ({ kind: 'pass', text: bytes }),
        });
        const frames = messages.flatMap(({ opcode, parts }) =>
          parts.map((payload, i) => ({ opcode: i === 0 ? opcode : 0, fin: i === parts.length - 1, payload })),
        );
        for (const chunk of cut(Buffer.concat(frames.map((one) => frame(one))), at)) client.write(chunk);
        for (const chunk of cut(Buffer.concat(frames.map(fromServer)), at)) server.write(chunk);
        const whole = messages.flatMap(({ opcode, parts }) => (opcode === 1 ? [parts.join('')] : parts));
        await eventually(
          () => server.frames.length === whole.length && client.frames.length === frames.length,
        );
        expect(server.frames.map(({ payload }) => payload.toString())).toEqual(whole);
        expect(client.frames.map(({ payload }) => payload.toString())).toEqual(
          frames.map(({ payload }) => payload),
        );
        client.socket.destroy();
        server.socket.destroy();
      }),
      { numRuns: 40 },
    );
  });

  it('survive any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 80 }), { minLength: 1 }),
        async (chunks) => {
          const { client, server, ends, allGivenBack } = await relayed();
          for (const chunk of chunks) {
            client.write(Buffer.from(chunk));
            server.write(Buffer.from(chunk));
          }
          client.socket.end();
          server.socket.end();
          await eventually(() => ends.length === 1);
          expect(ends[0]!.cause).not.toBe('defect');
          expect(allGivenBack()).toBe(true);
          expect(server.fault).toBeNull();
          expect(client.fault).toBeNull();
        },
      ),
      { numRuns: 60 },
    );
  });
});
