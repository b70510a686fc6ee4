import { describe, expect, it } from 'vitest';
import { decisionDraft, processOf } from '../../src/egress/decision-event.ts';
import { identity } from '../match/tables.ts';

describe('decisionDraft', () => {
  const facts = {
    reason: 'allowed',
    rule: { policy: 'p', index: 0, line: 3 },
    via: 'direct',
    host: 'a.test',
    port: 443,
    address: '192.0.2.1',
    process: processOf(identity('/bin/a', ['/bin/b'])),
  } as const;

  it('is a decision when it allows and a denial when it denies', () => {
    expect(decisionDraft({ ...facts, action: 'allow' }).type).toBe('decision');
    expect(decisionDraft({ ...facts, action: 'deny', reason: 'endpoint_not_listed' }).type).toBe('denial');
  });

  it('names rule, destination and process', () => {
    expect(decisionDraft({ ...facts, action: 'allow' })).toEqual({
      type: 'decision',
      layer: 'egress',
      action: 'allow',
      reason: 'allowed',
      rule: { policy: 'p', index: 0, line: 3 },
      subject: { kind: 'connect', host: 'a.test', port: 443, address: '192.0.2.1', via: 'direct' },
      process: { pid: 42, exe: '/bin/a', sha256: 'a'.repeat(64), ancestors: ['/bin/b'] },
      count: 1,
    });
  });
});
