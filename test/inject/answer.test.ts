import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type AnswerHead, answerable, maskAnswer } from '../../src/inject/answer.ts';
import { acceptedCodings, decodersFor } from '../../src/inject/content-coding.ts';
import { CREDENTIAL, injector, ph, TOKEN } from './pretended.ts';

const mask = injector.mask(CREDENTIAL);
const TEXT = `hello ${TOKEN} and ${'x'.repeat(100_000)}${TOKEN}`;
const MASKED = TEXT.replaceAll(TOKEN, '*'.repeat(TOKEN.length));

async function answer(
  more: Partial<AnswerHead>,
  body: Buffer,
  size = 1000,
): Promise<{ headers: Record<string, string>; body: string }> {
  const masked = maskAnswer(mask, { status: 200, phrase: 'OK', headers: [], method: 'GET', ...more });
  if (!masked.ok) return { headers: {}, body: masked.error };
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) pieces.push(body.subarray(at, at + size));
  let out = Buffer.alloc(0);
  await pipeline([
    Readable.from(pieces),
    ...masked.value.body,
    async (source: AsyncIterable<Buffer>) => {
      out = Buffer.from(await buffer(Readable.from(source)));
    },
  ] as never);
  const headers: Record<string, string> = {};
  for (let i = 0; i < masked.value.headers.length; i += 2)
    headers[masked.value.headers[i]!.toLowerCase()] = masked.value.headers[i + 1]!;
  return { headers, body: out.toString() };
}

describe('answers', () => {
  it('keep their length and validators as they are', async () => {
    const headers = [
      'Content-Length',
      String(TEXT.length),
      'ETag',
      '"v"',
      'Content-MD5',
      'x',
      'X-Echo',
      `Bearer ${TOKEN}`,
    ];
    expect(await answer({ headers }, Buffer.from(TEXT))).toEqual({
      headers: { 'content-length': String(TEXT.length), etag: '"v"', 'x-echo': `Bearer ${ph('TOKEN')}` },
      body: MASKED,
    });
  });

  it.each([
    ['gzip', zlib.gzipSync(TEXT)],
    ['x-gzip', zlib.gzipSync(TEXT)],
    ['deflate', zlib.deflateSync(TEXT)],
    ['deflate', zlib.deflateRawSync(TEXT)],
    ['br', zlib.brotliCompressSync(TEXT)],
    ['gzip, br', zlib.brotliCompressSync(zlib.gzipSync(TEXT))],
  ])('are decoded: %s', async (coding, body) => {
    const headers = [
      'Content-Encoding',
      coding,
      'Content-Length',
      String(body.length),
      'ETag',
      '"v"',
      'Accept-Ranges',
      'bytes',
    ];
    for (const size of [1, 10, 100_000])
      expect(await answer({ headers }, body, size)).toEqual({ headers: { etag: 'W/"v"' }, body: MASKED });
  });

  it.each([
    ['a coding that nobody asked for', { headers: ['Content-Encoding', 'compress'] }],
    ['codings without end', { headers: ['Content-Encoding', 'gzip, gzip, gzip'] }],
    ['messages of gRPC in a coding', { headers: ['grpc-encoding', 'gzip'] }],
    ['messages of Connect in a coding', { headers: ['Connect-Content-Encoding', 'GZIP'] }],
    ['a part', { status: 206, headers: ['Content-Range', 'bytes 0-3/9'] }],
  ])('are refused: %s', async (_, more) => {
    expect((await answer(more, Buffer.alloc(0))).body).toContain('a credential could not be found');
  });

  it('of gRPC are masked within their messages, which keep their length', async () => {
    const message = (text: string): Buffer => {
      const head = Buffer.alloc(5);
      head.writeUInt32BE(text.length, 1);
      return Buffer.concat([head, Buffer.from(text)]);
    };
    const headers = ['Content-Type', 'application/grpc', 'grpc-encoding', 'identity'];
    const body = Buffer.concat([message(`\n\x20${TOKEN}`), message('next')]);
    for (const size of [1, 7, 1000])
      expect((await answer({ headers }, body, size)).body).toBe(
        Buffer.concat([message(`\n\x20${'*'.repeat(TOKEN.length)}`), message('next')]).toString(),
      );
  });

  it('without a body tell of one as before', async () => {
    const headers = ['Content-Encoding', 'gzip', 'Content-Length', '9'];
    expect(await answer({ method: 'HEAD', headers }, Buffer.alloc(0))).toEqual({
      headers: { 'content-encoding': 'gzip', 'content-length': '9' },
      body: '',
    });
    expect((await answer({ status: 304, headers }, Buffer.alloc(0))).body).toBe('');
  });

  it('that break their coding fail, as does an end too early', async () => {
    const headers = ['Content-Encoding', 'gzip'];
    await expect(answer({ headers }, Buffer.from('no gzip at all'))).rejects.toThrow();
    await expect(answer({ headers }, zlib.gzipSync(TEXT).subarray(0, 50))).rejects.toThrow();
    await expect(answer({ headers: ['Content-Encoding', 'deflate'] }, Buffer.from('xxxx'))).rejects.toThrow();
  });
});

describe('bombs', () => {
  it.each(['gzip', 'deflate'])('are inflated only as fast as they are read: %s', async (coding) => {
    const zeros = Buffer.alloc(64 * 1024 * 1024);
    const bomb = coding === 'gzip' ? zlib.gzipSync(zeros) : zlib.deflateSync(zeros);
    const [decoder] = decodersFor(coding)!;
    decoder!.on('error', () => {});
    Readable.from([bomb]).pipe(decoder!);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(decoder!.readableLength).toBeLessThan(1024 * 1024);
    const length = (await buffer(decoder!)).length;
    expect(length).toBe(zeros.length);
  });
});

it('asks for what can be undone', () => {
  expect(acceptedCodings('compress, *')).toBe('identity');
  expect(acceptedCodings('GZIP;q=0.5, br , exi')).toBe('GZIP;q=0.5, br');
  expect(answerable(['A', 'b', 'Range', 'bytes=0-'])).toEqual(['A', 'b']);
  expect(answerable(['Grpc-Accept-Encoding', 'gzip,identity', 'connect-accept-encoding', 'gzip'])).toEqual([
    ...['Grpc-Accept-Encoding', 'identity', 'connect-accept-encoding', 'identity'],
  ]);
});
