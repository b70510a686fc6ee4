import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerContent, decoded } from '../../src/inference/answer-content.ts';
import { Mask } from '../../src/inject/mask.ts';

const SECRET = 'sk-test-0123456789';
const mask = new Mask([{ secret: SECRET, placeholder: null }]);

function content(isEvents: boolean, dropUsage = false): AnswerContent {
  const limits = { streamEventBytes: 1000, usageBytes: 1000 };
  return new AnswerContent({ isEvents, dropUsage, mask: mask.pieces(), limits });
}

function through(one: AnswerContent, text: string, piece: number): string {
  const bytes = Buffer.from(text);
  const out: Buffer[] = [];
  for (let i = 0; i < bytes.length; i += piece) out.push(one.push(bytes.subarray(i, i + piece)));
  return Buffer.concat([...out, one.finish()]).toString();
}

const USAGE = 'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n';

describe('the content of an answer', () => {
  it('of events is passed on in whole ones, counted, without the one that was not asked for', () => {
    const text = `data: {"choices":[{}]}\n\n${USAGE}data: [DONE]\n\n`;
    for (const piece of [1, 7, 1000]) {
      const one = content(true, true);
      expect(through(one, text, piece)).toBe(text.replace(USAGE, ''));
      expect(one.tokens).toEqual({ input: 3, output: 4 });
      expect(one.estimatedOutput).toBe(3);
      expect(through(content(true), text, piece)).toBe(text);
    }
  });

  it('keeps an event with counts that has more than counts', () => {
    const text = 'data: {"choices":[{"delta":{}}],"usage":{"prompt_tokens":3}}\n\n';
    expect(through(content(true, true), text, 5)).toBe(text);
  });

  it('that is JSON is counted wherever its counts stand', () => {
    const one = content(false);
    const text = '{"usage":{"input_tokens":5,"output_tokens":6},"content":[{"usage":{"input_tokens":99}}]}';
    expect(through(one, text, 3)).toBe(text);
    expect(one.tokens).toEqual({ input: 5, output: 6 });
  });

  it('that is anything else is passed on, and guessed at', () => {
    for (const text of [
      '',
      'no JSON',
      '{"usage":',
      '[]',
      '{"usage":null}',
      `{"usage":{"x":"${'y'.repeat(2000)}"}}`,
    ]) {
      const one = content(false);
      expect(through(one, text, 4)).toBe(text);
      expect(one.tokens).toBeNull();
      expect(one.estimatedOutput).toBe(Math.ceil(text.length / 4));
    }
  });

  it('never holds a secret, and is else what the provider sent', () => {
    const parts = fc.constantFrom(
      SECRET,
      SECRET.slice(0, 9),
      '\n\n',
      'data: ',
      '{"usage":',
      '}',
      'x',
      '\r\n',
    );
    fc.assert(
      fc.property(fc.array(parts), fc.integer({ min: 1, max: 30 }), fc.boolean(), (some, piece, isEvents) => {
        const text = some.join('');
        expect(through(content(isEvents), text, piece)).toBe(
          text.replaceAll(SECRET, '*'.repeat(SECRET.length)),
        );
      }),
    );
  });
});

describe('decoded', () => {
  const read = async (bytes: Buffer, coding: string | undefined): Promise<string> => {
    const source = decoded(Readable.from([bytes]), coding);
    if (!source.ok) return source.error;
    const parts: Buffer[] = [];
    for await (const part of source.value) parts.push(part);
    return Buffer.concat(parts).toString();
  };

  it('undoes the codings that are known', async () => {
    expect(await read(Buffer.from('a'), undefined)).toBe('a');
    expect(await read(Buffer.from('a'), 'Identity')).toBe('a');
    expect(await read(gzipSync('a'), ' GZIP ')).toBe('a');
  });

  it('refuses others, and several', async () => {
    for (const coding of ['zstd', 'gzip, br', 'constructor'])
      expect(await read(Buffer.from('a'), coding)).toBe('it has a content coding that was not asked for');
  });

  it('ends with an error where the coding is broken, or the body breaks off', async () => {
    await expect(read(Buffer.from('aaaa'), 'gzip')).rejects.toThrow();
    const body = new Readable({ read: () => undefined });
    const source = decoded(body, 'gzip');
    setImmediate(() => body.destroy(new Error('broken off')));
    const all = async (): Promise<void> => {
      if (source.ok) for await (const _ of source.value);
    };
    await expect(all()).rejects.toThrow('broken off');
  });
});
