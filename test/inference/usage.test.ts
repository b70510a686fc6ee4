import { describe, expect, it } from 'vitest';
import { UsageCount } from '../../src/inference/usage.ts';

const counted = (...values: unknown[]) => {
  const count = new UsageCount();
  for (const value of values) count.addFrom(value);
  return count.tokens;
};

describe('UsageCount', () => {
  it.each([
    ['chat completions', [{ usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } }], [3, 4]],
    ['embeddings', [{ usage: { prompt_tokens: 3, total_tokens: 3 } }], [3, 0]],
    ['responses', [{ usage: { input_tokens: 3, output_tokens: 4 } }], [3, 4]],
    [
      'streamed responses',
      [{ type: 'response.completed', response: { usage: { input_tokens: 3, output_tokens: 4 } } }],
      [3, 4],
    ],
    [
      'streamed chat completions',
      [
        { choices: [{}], usage: null },
        { choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } },
      ],
      [3, 4],
    ],
    [
      'messages with a cache',
      [
        {
          usage: {
            input_tokens: 3,
            cache_read_input_tokens: 10,
            cache_creation_input_tokens: 20,
            output_tokens: 4,
          },
        },
      ],
      [33, 4],
    ],
    [
      'streamed messages',
      [
        { type: 'message_start', message: { usage: { input_tokens: 3, output_tokens: 1 } } },
        { type: 'message_delta', usage: { output_tokens: 9 } },
      ],
      [3, 9],
    ],
  ])('reads %s', (_, values, [input, output]) => {
    expect(counted(...values)).toEqual({ input, output });
  });

  it.each([
    [null],
    [[]],
    ['usage'],
    [{}],
    [{ usage: 5 }],
    [{ usage: [] }],
    [{ usage: { prompt_tokens: -1, completion_tokens: 1.5 } }],
    [{ usage: { prompt_tokens: '3' } }],
    [{ usage: { input_tokens: 2 ** 60 } }],
  ])('takes nothing from %j', (value) => {
    expect(counted(value)).toBeNull();
  });
});
