import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EventBlock, EventSplitter } from '../../src/inference/event-stream.ts';

function split(text: string, piece = 1 << 20, max = 1 << 20): { blocks: EventBlock[]; rest: string } {
  const splitter = new EventSplitter(max);
  const bytes = Buffer.from(text);
  const blocks: EventBlock[] = [];
  for (let i = 0; i < bytes.length; i += piece) blocks.push(...splitter.push(bytes.subarray(i, i + piece)));
  return { blocks, rest: splitter.finish().toString() };
}

const joined = ({ blocks, rest }: ReturnType<typeof split>): string =>
  Buffer.concat(blocks.map(({ bytes }) => bytes)).toString() + rest;

describe('EventSplitter', () => {
  it.each(['\n', '\r\n', '\r'])('ends an event at an empty line of %j', (end) => {
    const text = `event: a${end}data: 1${end}data:2${end}${end}: comment${end}${end}data${end}${end}data: half`;
    for (const piece of [1, 2, 3, 7, 1000]) {
      const result = split(text, piece);
      expect(joined(result)).toBe(text);
      expect(result.blocks.flatMap(({ data }) => data ?? [])).toEqual(['1\n2', '']);
      expect(result.rest).toBe('data: half');
    }
  });

  it('gives an event as soon as it is complete', () => {
    const splitter = new EventSplitter(1000);
    expect(splitter.push(Buffer.from('data: 1\n'))).toEqual([]);
    expect(splitter.push(Buffer.from('\ndata: 2')).map(({ data }) => data)).toEqual(['1']);
  });

  it('lets a long event pass unseen, and sees the next', () => {
    const text = `data: ${'x'.repeat(500)}\n\ndata: 2\n\n`;
    for (const piece of [1, 50, 1000]) {
      const result = split(text, piece, 100);
      expect(joined(result)).toBe(text);
      expect(result.blocks.at(-1)!.data).toBe('2');
      expect(result.blocks.slice(0, -1).every(({ data }) => data === null)).toBe(true);
    }
  });

  it('loses and adds nothing', () => {
    const parts = fc.constantFrom('\n', '\r', '\r\n', 'data: x', 'event: y', ':', 'é', ' ');
    fc.assert(
      fc.property(
        fc.array(parts),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 40 }),
        (some, piece, max) => {
          expect(joined(split(some.join(''), piece, max))).toBe(some.join(''));
        },
      ),
    );
  });
});
