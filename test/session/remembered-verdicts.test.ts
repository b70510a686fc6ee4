import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { decisionDraft } from '../../src/egress/decision-event.ts';
import type { Standing } from '../../src/egress/standing.ts';
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
const standing = (host: string, pid = 1): Standing => ({
  host: { text: host, address: null },
  port: 1,
  address: parseAddress('192.0.2.1')!,
  identity: { pid, executable: { path: '/bin/x', sha256: 'aa' }, ancestors: [] },
  inspected: false,
});

describe('verdicts', () => {
  it('are known by one token while they are equal, whichever process asks', () => {
    const verdicts = new RememberedVerdicts(() => 0);
    const first = verdicts.keep(standing('a.test', 1), event('a.test'), 1000);
    const other = verdicts.keep(standing('b.test', 1), event('b.test'), 1000);
    expect(verdicts.keep(standing('a.test', 2), event('a.test'), 1000)).toEqual(first);
    expect(other.token).not.toBe(first.token);
    expect(verdicts.find(first.token)).toEqual(event('a.test'));
  });

  it('give place to others when nothing will be reported about them any more', () => {
    let now = 0;
    const verdicts = new RememberedVerdicts(() => now, 2);
    const [first, second] = ['a.test', 'b.test'].map((host) =>
      verdicts.keep(standing(host), event(host), 1000),
    );
    now = 10_500;
    const early = verdicts.keep(standing('c.test'), event('c.test'), 1000);
    expect(early.ttlMs).toBe(0);
    expect(verdicts.find(early.token)).toBeNull();
    now = 11_001;
    const late = verdicts.keep(standing('c.test'), event('c.test'), 1000);
    expect(late.ttlMs).toBe(1000);
    expect([first, second, late].map((one) => verdicts.find(one!.token))).toEqual([
      null,
      event('b.test'),
      event('c.test'),
    ]);
  });

  it('are sorted by what a later policy allows; what it does not is another verdict when it is allowed again', () => {
    const verdicts = new RememberedVerdicts(() => 0);
    const stays = verdicts.keep(standing('a.test'), event('a.test'), 1000);
    const goes = verdicts.keep(standing('b.test'), event('b.test'), 1000);
    const sorted = verdicts.sort(({ host }) => host.text === 'a.test');
    expect(sorted).toEqual({ kept: [stays.token], dropped: [goes.token] });
    expect(verdicts.find(goes.token)).toEqual(event('b.test'));
    const again = verdicts.keep(standing('b.test'), event('b.test'), 1000);
    expect(again.token).not.toBe(goes.token);
    verdicts.drop(sorted.dropped);
    expect(verdicts.find(goes.token)).toBeNull();
    expect(verdicts.find(again.token)).toEqual(event('b.test'));
  });
});
