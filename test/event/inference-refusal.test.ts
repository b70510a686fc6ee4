import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { REASONS } from '../../src/event/event.ts';
import { INFERENCE_REFUSALS, inferenceRefusal } from '../../src/event/inference-refusal.ts';

describe('the refusals of inference.local', () => {
  const rows = Object.values(INFERENCE_REFUSALS);

  it('are the table of docs/denials.md', () => {
    const text = readFileSync('docs/denials.md', 'utf8');
    const documented = [
      ...text.matchAll(/^\| `(OSH-INF-\d+)` \| (\d+) \| `([^`]+)` \| `(\w+)` \| (.*) \|$/gm),
    ];
    expect(documented.map(([, ...cells]) => cells)).toEqual(
      rows.map((row) => [row.code, String(row.status), row.error, row.reason, row.meaning]),
    );
  });

  it('keep the codes that were given: they never change their meaning', () => {
    expect(Object.entries(INFERENCE_REFUSALS).map(([kind, { code }]) => `${code.slice(-3)} ${kind}`)).toEqual(
      [
        '001 not_a_call',
        '002 no_compatible_route',
        '003 unknown_model',
        '004 malformed',
        '005 body_too_large',
        '006 body_timeout',
        '007 too_many_calls',
        '008 unavailable',
        '009 bad_answer',
        '010 path_invalid',
        '011 query_invalid',
        '012 budget_exhausted',
      ],
    );
    for (const { reason } of rows) expect(REASONS).toContain(reason);
  });

  it('have the one shape of all refusals', () => {
    const facts = {
      kind: 'not_a_call',
      reason: 'because',
      method: 'GET',
      path: '/x',
      binary: '/bin/a',
      nextSteps: [],
    } as const;
    expect(inferenceRefusal(facts)).toEqual({
      error: 'connection not allowed by policy',
      detail: 'GET inference.local:443/x: the request is no call of a model; the connection is closed',
      reason: 'because',
      policy: null,
      rule: null,
      layer: 'inference',
      method: 'GET',
      path: '/x',
      host: 'inference.local',
      port: 443,
      binary: '/bin/a',
      code: 'OSH-INF-001',
      line: null,
      next_steps: [],
    });
  });
});
