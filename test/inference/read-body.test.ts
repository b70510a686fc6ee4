import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { HeldBytes } from '../../src/http/inspected/content.ts';
import { INFERENCE_LIMITS } from '../../src/inference/limits.ts';
import { readBody } from '../../src/inference/read-body.ts';

const LIMITS = { ...INFERENCE_LIMITS, callBytes: 100, callBodyMs: 50 };

function reading(held = new HeldBytes({ heldBytes: 1000, bodyMs: 0 }), contentLength: string | null = null) {
  const body = new PassThrough();
  return { body, held, done: readBody({ body, contentLength }, held, LIMITS) };
}

describe('readBody', () => {
  it('reads a body, and holds it until it is released', async () => {
    const held = new HeldBytes({ heldBytes: 20, bodyMs: 0 });
    const { body, done } = reading(held);
    body.write('{"model":');
    body.end('"m"}');
    const read = await done;
    expect(read.body).toMatchObject({ ok: true, value: { model: 'm' } });
    expect(held.take(10)).toBe(false);
    read.release();
    read.release();
    expect(held.take(20)).toBe(true);
  });

  it.each([
    ['that is too long', 'x'.repeat(101), 'body_too_large'],
    ['that is no JSON', 'x', 'malformed'],
  ])('refuses one %s', async (_, text, kind) => {
    const { body, done } = reading();
    body.end(text);
    expect((await done).body).toMatchObject({ ok: false, error: { kind } });
  });

  it('refuses by the length that is announced, before anything has come', async () => {
    expect((await reading(new HeldBytes({ heldBytes: 1000, bodyMs: 0 }), '101').done).body).toMatchObject({
      error: { kind: 'body_too_large' },
    });
  });

  it('refuses what all together may not hold, and gives back what it had', async () => {
    const held = new HeldBytes({ heldBytes: 5, bodyMs: 0 });
    const { body, done } = reading(held);
    body.write('{"a"');
    body.write(':1}');
    const read = await done;
    expect(read.body).toMatchObject({ error: { kind: 'too_many_calls' } });
    read.release();
    expect(held.take(5)).toBe(true);
  });

  it('does not wait for ever', async () => {
    expect((await reading().done).body).toMatchObject({ error: { kind: 'body_timeout' } });
  });

  it('hears of a client that leaves, before and after', async () => {
    const { body, done } = reading();
    body.destroy(new Error('left'));
    expect((await done).body).toMatchObject({ error: { kind: 'gone' } });
    const later = reading();
    later.body.end('{}');
    await later.done;
    later.body.destroy(new Error('left, and nobody listens'));
    const gone = new PassThrough().destroy();
    expect(
      (
        await readBody(
          { body: gone, contentLength: null },
          new HeldBytes({ heldBytes: 9, bodyMs: 0 }),
          LIMITS,
        )
      ).body,
    ).toMatchObject({
      error: { kind: 'gone' },
    });
  });

  it('takes no body for an empty one', async () => {
    expect(
      (
        await readBody(
          { body: null, contentLength: null },
          new HeldBytes({ heldBytes: 9, bodyMs: 0 }),
          LIMITS,
        )
      ).body,
    ).toMatchObject({
      error: { kind: 'malformed' },
    });
  });
});
