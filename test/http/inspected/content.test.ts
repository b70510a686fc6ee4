import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { holdBody } from '../../../src/http/inspected/content.ts';

const LIMITS = { bodyMs: 60_000 };

function sender(more: { contentLength?: string; expectsContinue?: boolean } = {}) {
  const body = new PassThrough();
  const told: string[] = [];
  const client = {
    body,
    contentLength: more.contentLength ?? null,
    expectsContinue: more.expectsContinue ?? false,
    sendContinue: () => void told.push('continue'),
  };
  return { body, told, client };
}

describe('holdBody', () => {
  it('holds what comes, in its order', async () => {
    const { body, client } = sender();
    const held = holdBody(client, 4, LIMITS);
    body.write('ab');
    body.end('cd');
    expect(await held).toEqual({ kind: 'whole', bytes: Buffer.from('abcd') });
  });

  it('holds nothing where there is nothing', async () => {
    const held = await holdBody({ ...sender().client, body: null }, 0, LIMITS);
    expect(held).toEqual({ kind: 'whole', bytes: Buffer.alloc(0) });
  });

  it('holds no more than it may, and stops reading', async () => {
    const { body, client } = sender();
    const held = holdBody(client, 4, LIMITS);
    body.write('abcd');
    body.write('e');
    expect(await held).toEqual({ kind: 'too-large' });
    expect(body.isPaused()).toBe(true);
  });

  it('asks for a body only if it is announced to be short enough', async () => {
    const long = sender({ contentLength: '5', expectsContinue: true });
    expect(await holdBody(long.client, 4, LIMITS)).toEqual({ kind: 'too-large' });
    const short = sender({ contentLength: '4', expectsContinue: true });
    short.body.end('abcd');
    expect((await holdBody(short.client, 4, LIMITS)).kind).toBe('whole');
    expect([long.told, short.told]).toEqual([[], ['continue']]);
  });

  it('does not wait for ever', async () => {
    const { body, client } = sender();
    const held = holdBody(client, 4, { bodyMs: 5 });
    body.write('a');
    expect(await held).toEqual({ kind: 'too-slow' });
  });

  it.each([
    ['leaves', undefined],
    ['breaks it off', new Error('reset')],
  ])('knows when the client %s, before and after', async (_, error) => {
    const { body, client } = sender();
    const held = holdBody(client, 4, LIMITS);
    body.write('a');
    body.destroy(error);
    expect(await held).toEqual({ kind: 'gone' });
    expect(await holdBody(client, 4, LIMITS)).toEqual({ kind: 'gone' });
    const late = sender();
    const large = holdBody(late.client, 0, LIMITS);
    late.body.write('a');
    expect(await large).toEqual({ kind: 'too-large' });
    late.body.destroy(error);
  });
});
