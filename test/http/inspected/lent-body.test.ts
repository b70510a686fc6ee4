import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { LentBody } from '../../../src/http/inspected/lent-body.ts';

async function textOf(body: Readable, pause = 0): Promise<string> {
  let text = '';
  for await (const chunk of body) {
    text += chunk;
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return text;
}

describe('a lent body', () => {
  it('is the same as its own', async () => {
    expect(await textOf(new LentBody(Readable.from(['a', 'b', 'c'].map((text) => Buffer.from(text)))))).toBe(
      'abc',
    );
    expect(await textOf(new LentBody(Readable.from([])))).toBe('');
  });

  it('is whole, though its own has closed long before it is read to the end', async () => {
    const own = new PassThrough({ highWaterMark: 1_000_000 });
    own.end(Buffer.alloc(500_000, 'x'));
    const lent = new LentBody(own);
    lent.read(0);
    await new Promise((resolve) => own.once('close', resolve));
    expect((await textOf(lent, 1)).length).toBe(500_000);
  });

  it('takes nothing before it is read, and no more than it may hold', async () => {
    const own = new PassThrough();
    const lent = new LentBody(own);
    own.write(Buffer.alloc(10));
    await new Promise((resolve) => setImmediate(resolve));
    expect(own.readableLength).toBe(10);
    lent.read(0);
    for (let i = 0; i < 100; i += 1) own.write(Buffer.alloc(16_384));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(lent.readableLength).toBeLessThan(200_000);
  });

  it('leaves its own alone when it is destroyed', async () => {
    const own = new PassThrough();
    const lent = new LentBody(own);
    lent.resume();
    own.write('a');
    await new Promise((resolve) => lent.once('data', resolve));
    lent.destroy(new Error('the server is gone'));
    await new Promise((resolve) => lent.once('close', resolve));
    expect(own.destroyed).toBe(false);
    own.end('b');
    expect(await textOf(own)).toBe('b');
  });

  it.each([
    ['with an error', new Error('reset')],
    ['without one', undefined],
  ])('fails when its own breaks off %s', async (_what, error) => {
    const own = new PassThrough();
    const lent = new LentBody(own);
    const failed = new Promise<Error>((resolve) => lent.once('error', resolve));
    lent.resume();
    own.write('a');
    await new Promise((resolve) => lent.once('data', resolve));
    own.destroy(error);
    expect((await failed).message).toBe('the client broke off the request');
  });

  it('fails when its own had broken off before', async () => {
    const own = new PassThrough();
    own.destroy();
    const lent = new LentBody(own);
    const failed = new Promise<Error>((resolve) => lent.once('error', resolve));
    lent.resume();
    expect((await failed).message).toBe('the client broke off the request');
  });
});
