import type { LookupAddress } from 'node:dns';
import { describe, expect, it } from 'vitest';
import { EGRESS_LIMITS } from '../../src/egress/limits.ts';
import { SystemResolver } from '../../src/egress/names.ts';

type Done = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

/** A system resolver that answers when it is told to. */
function held() {
  const asked: string[] = [];
  const answers = new Map<string, Done>();
  const lookup = (name: string, _options: unknown, done: Done): void => {
    asked.push(name);
    answers.set(name, done);
  };
  const answer = (name: string, ...addresses: string[]) =>
    answers.get(name)!(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    );
  const fail = (name: string, code: string) =>
    answers.get(name)!(Object.assign(new Error(code), { code }), []);
  return { asked, lookup, answer, fail };
}

describe('SystemResolver', () => {
  it('gives all addresses in the order of the system', async () => {
    const system = held();
    const result = new SystemResolver(EGRESS_LIMITS, system.lookup).lookup('a.test');
    system.answer('a.test', '2001:db8::1', '192.0.2.1');
    expect(await result).toEqual({ ok: true, value: ['2001:db8::1', '192.0.2.1'] });
  });

  it.each([
    ['ENOTFOUND', 'does not exist'],
    ['EAI_AGAIN', 'could not be asked for: the name server does not answer'],
    ['EAI_FAIL', 'was not resolved (EAI_FAIL)'],
  ])('says what %s means', async (code, message) => {
    const system = held();
    const result = new SystemResolver(EGRESS_LIMITS, system.lookup).lookup('a.test');
    system.fail('a.test', code);
    expect(await result).toEqual({ ok: false, error: message });
  });

  it('asks once for a name that many want', async () => {
    const system = held();
    const resolver = new SystemResolver(EGRESS_LIMITS, system.lookup);
    const results = [resolver.lookup('a.test'), resolver.lookup('a.test')];
    system.answer('a.test', '192.0.2.1');
    expect((await Promise.all(results)).map(({ ok }) => ok)).toEqual([true, true]);
    expect(system.asked).toEqual(['a.test']);
    void resolver.lookup('a.test');
    expect(system.asked).toEqual(['a.test', 'a.test']);
    system.answer('a.test', '192.0.2.1');
  });

  it('asks for few names at once, lets some wait, and refuses the rest', async () => {
    const system = held();
    const resolver = new SystemResolver({ ...EGRESS_LIMITS, resolving: 2, resolveQueue: 1 }, system.lookup);
    const results = ['a', 'b', 'c', 'd'].map((name) => resolver.lookup(name));
    expect(await results[3]).toEqual({ ok: false, error: 'was not resolved: too many names are waiting' });
    expect(system.asked).toEqual(['a', 'b']);
    system.answer('a', '192.0.2.1');
    expect((await results[0])!.ok).toBe(true);
    expect(system.asked).toEqual(['a', 'b', 'c']);
    for (const name of ['b', 'c']) system.answer(name, '192.0.2.1');
    expect((await Promise.all(results.slice(0, 3))).map(({ ok }) => ok)).toEqual([true, true, true]);
  });

  it('gives up after a time, and keeps the place taken until the system answers', async () => {
    const system = held();
    const resolver = new SystemResolver({ ...EGRESS_LIMITS, resolving: 1, resolveMs: 30 }, system.lookup);
    expect(await resolver.lookup('a')).toEqual({ ok: false, error: 'was not resolved within 30 ms' });
    expect((await resolver.lookup('b')).ok).toBe(false);
    expect(system.asked).toEqual(['a']);
    system.answer('a', '192.0.2.1');
    await new Promise((resolve) => setImmediate(resolve));
    expect(system.asked).toEqual(['a', 'b']);
    system.answer('b', '192.0.2.1');
  });

  it('turns what the system refuses to look up into an error', async () => {
    const lookup = () => {
      throw Object.assign(new Error('bad'), { code: 'ERR_INVALID_ARG_VALUE' });
    };
    expect(await new SystemResolver(EGRESS_LIMITS, lookup).lookup('a')).toMatchObject({ ok: false });
  });

  it('reads the hosts file of the machine', async () => {
    const result = await new SystemResolver().lookup('localhost');
    expect(result.ok && result.value.length).toBeGreaterThan(0);
  });
});
