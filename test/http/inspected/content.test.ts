import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { HeldBytes, holdBody } from '../../../src/http/inspected/content.ts';

const LIMITS = { bodyMs: 60_000, heldBytes: 100 };
let all = new HeldBytes(LIMITS);
beforeEach(() => {
  all = new HeldBytes(LIMITS);
});

function sender(more: { contentLength?: string; expectsContinue?: boolean } = {}) {
  const body = new PassThrough();
  const told: string[] = [];
  const over: (() => void)[] = [];
  const client = {
    body,
    contentLength: more.contentLength ?? null,
    expectsContinue: more.expectsContinue ?? false,
    sendContinue: () => void told.push('continue'),
    onClose: (listener: () => void) => void over.push(listener),
  };
  return { body, told, client, over };
}

describe('holdBody', () => {
  it('holds what comes, in its order', async () => {
    const { body, client } = sender();
    const held = holdBody(client, 4, all);
    body.write('ab');
    body.end('cd');
    expect(await held).toEqual({ kind: 'whole', bytes: Buffer.from('abcd') });
  });

  it('holds nothing where there is nothing', async () => {
    const held = await holdBody({ ...sender().client, body: null }, 0, all);
    expect(held).toEqual({ kind: 'whole', bytes: Buffer.alloc(0) });
  });

  it('holds no more than it may, and stops reading', async () => {
    const { body, client } = sender();
    const held = holdBody(client, 4, all);
    body.write('abcd');
    body.write('e');
    expect(await held).toEqual({ kind: 'too-large' });
    expect(body.isPaused()).toBe(true);
  });

  it('asks for a body only if it is announced to be short enough', async () => {
    const long = sender({ contentLength: '5', expectsContinue: true });
    expect(await holdBody(long.client, 4, all)).toEqual({ kind: 'too-large' });
    const short = sender({ contentLength: '4', expectsContinue: true });
    short.body.end('abcd');
    expect((await holdBody(short.client, 4, all)).kind).toBe('whole');
    expect([long.told, short.told]).toEqual([[], ['continue']]);
  });

  it('counts what all hold, until each is answered', async () => {
    const first = sender();
    const one = holdBody(first.client, 80, all);
    first.body.end(Buffer.alloc(80));
    expect((await one).kind).toBe('whole');
    const second = sender();
    const other = holdBody(second.client, 80, all);
    second.body.write(Buffer.alloc(15));
    second.body.write(Buffer.alloc(15));
    expect(await other).toEqual({ kind: 'too-many' });
    expect(all.held).toBe(80);
    for (const listener of first.over) listener();
    expect(all.held).toBe(0);
  });

  it('does not wait for ever', async () => {
    const { body, client } = sender();
    const held = holdBody(client, 4, new HeldBytes({ ...LIMITS, bodyMs: 5 }));
    body.write('a');
    expect(await held).toEqual({ kind: 'too-slow' });
  });

  it.each([
    ['leaves', undefined],
    ['breaks it off', new Error('reset')],
  ])('knows when the client %s, before and after', async (_, error) => {
    const { body, client } = sender();
    const held = holdBody(client, 4, all);
    body.write('a');
    body.destroy(error);
    expect(await held).toEqual({ kind: 'gone' });
    expect(await holdBody(client, 4, all)).toEqual({ kind: 'gone' });
    const late = sender();
    const large = holdBody(late.client, 0, all);
    late.body.write('a');
    expect(await large).toEqual({ kind: 'too-large' });
    late.body.destroy(error);
  });
});
