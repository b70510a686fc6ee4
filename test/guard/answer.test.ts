import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clipped, readAnswer } from '../../src/guard/answer.ts';
import { allOf, failed, type Guard, type GuardAnswer } from '../../src/guard/guard.ts';
import { GUARD_LIMITS } from '../../src/guard/limits.ts';

describe('the value of a rule', () => {
  it.each<[unknown]>([
    [true],
    [{ allow: true }],
    [{ allow: true, reason: 'fine' }],
    [{ action: 'allow', deny_reason: '' }],
    [{ action: 'allow', allow: true }],
    [[]],
  ])('allows: %j', (value) => {
    expect(readAnswer(value)).toEqual({ allow: true });
  });

  it.each<[unknown, string]>([
    [false, 'a guardrail denies it'],
    [{ allow: false }, 'a guardrail denies it'],
    [{ allow: false, reason: 'no' }, 'no'],
    [{ action: 'deny', deny_reason: 'no' }, 'no'],
    [{ action: 'allow', allow: false }, 'a guardrail denies it'],
    [{ action: 'deny', allow: true, reason: 'no' }, 'no'],
    [['one', { msg: 'two' }, 3, 'four'], 'one; two; a guardrail denies it'],
    [[''], 'a guardrail denies it'],
    [['a\nb\u001b[2J'], expect.not.stringMatching(/[\n\u001b]/)],
  ])('denies: %j', (value, detail) => {
    expect(readAnswer(value)).toEqual({ allow: false, reason: 'guardrail_denied', detail });
  });

  it.each<[unknown]>([
    [undefined],
    [null],
    [1],
    ['true'],
    [{}],
    [{ allow: 'true' }],
    [{ allow: 1 }],
    [{ action: 'audit' }],
    [{ action: 'allow', allow: 'yes' }],
    [{ deny: [] }],
    [{ result: true }],
  ])('is no answer: %j', (value) => {
    expect(readAnswer(value)).toMatchObject({ allow: false, reason: 'guardrail_failed' });
  });

  it('allows nothing that does not say so plainly', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const answer = readAnswer(value);
        if (!answer.allow) return;
        const said = value as { allow?: unknown; action?: unknown };
        expect(
          value === true ||
            (Array.isArray(value) && value.length === 0) ||
            said.allow === true ||
            said.action === 'allow',
        ).toBe(true);
      }),
    );
  });

  it('has a bounded reason', () => {
    expect(clipped('x'.repeat(1_000_000)).length).toBeLessThanOrEqual(GUARD_LIMITS.detailLength + 1);
  });
});

describe('several guardrails', () => {
  const saying = (answer: GuardAnswer, asked: string[], name: string): Guard => ({
    evaluate: async () => {
      asked.push(name);
      return answer;
    },
    close: async () => {},
  });
  const input = {
    exec: { path: '/x', sha256: null, ancestors: [], cmdline_paths: [] },
    network: { host: 'a.test', port: 1 },
  };

  it('have to allow it all of them; the first that does not decides', async () => {
    const asked: string[] = [];
    const [yes, no] = [{ allow: true } as const, failed('no')];
    const all = [saying(yes, asked, 'a'), saying(no, asked, 'b'), saying(yes, asked, 'c')];
    expect(await allOf(all).evaluate(input)).toEqual(no);
    expect(asked).toEqual(['a', 'b']);
    expect(await allOf([all[0]!, all[2]!]).evaluate(input)).toEqual(yes);
  });
});
