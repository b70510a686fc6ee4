import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { wholeBody } from '../../src/inject/whole-body.ts';

const pieces = (count: number): Readable =>
  Readable.from(
    Array.from({ length: count }, (_, i) => Buffer.alloc(10, i)),
    { objectMode: false },
  );

it('holds a short body', async () => {
  const body = await wholeBody(pieces(3), 30);
  expect(body.kind === 'whole' && body.bytes.length).toBe(30);
  expect(await wholeBody(pieces(0), 30)).toEqual({ kind: 'whole', bytes: Buffer.alloc(0) });
});

it('lets a longer one through, from the beginning', async () => {
  const body = await wholeBody(pieces(100), 30);
  if (body.kind !== 'longer') throw new Error('it is longer');
  const whole = await buffer(pieces(100));
  expect((await buffer(body.stream)).equals(whole)).toBe(true);
});

it('fails as the body does, at once or later', async () => {
  const early = new PassThrough();
  early.destroy(new Error('gone'));
  await expect(wholeBody(early, 30)).rejects.toThrow('gone');
  const late = new PassThrough();
  late.write(Buffer.alloc(100));
  const body = await wholeBody(late, 30);
  if (body.kind !== 'longer') throw new Error('it is longer');
  const rest = buffer(body.stream);
  late.destroy(new Error('gone'));
  await expect(rest).rejects.toThrow('gone');
});
