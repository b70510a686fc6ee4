import { expect, it } from 'vitest';
import { decisionDraft } from '../../src/egress/decision-event.ts';
import { RememberedVerdicts } from '../../src/session/remembered-verdicts.ts';

const event = (host: string) =>
  decisionDraft({
    action: 'allow',
    reason: 'allowed',
    rule: null,
    via: 'direct',
    host,
    port: 1,
    address: null,
    process: null,
  });

it('keeps the event of a verdict as long as the warden may give it, and reports of it may come', () => {
  let now = 0;
  const verdicts = new RememberedVerdicts(() => now);
  const first = verdicts.keep(event('a.test'), 1000)!;
  now = 10_500;
  const second = verdicts.keep(event('b.test'), 1000)!;
  expect([verdicts.find(first), verdicts.find(second)]).toEqual([event('a.test'), event('b.test')]);
  now = 11_001;
  verdicts.keep(event('c.test'), 1000);
  expect([verdicts.find(first), verdicts.find(second)]).toEqual([null, event('b.test')]);
});

it('lets verdicts be given once only when there are too many', () => {
  const verdicts = new RememberedVerdicts(() => 0);
  const tokens = Array.from({ length: 8193 }, () => verdicts.keep(event('a.test'), 1000));
  expect(tokens.at(-2)).not.toBeNull();
  expect(tokens.at(-1)).toBeNull();
});
