import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_REQUEST } from '../../src/compile/input.ts';
import type { Draft } from '../../src/event/event.ts';
import type { EgressTable } from '../../src/plan/plan.ts';
import { POLICY_LIMITS } from '../../src/policy/limits.ts';
import { type OnBadPolicy, PolicyReloader } from '../../src/session/policy-reloader.ts';
import { compiled } from '../compile/compiled.ts';
import { Scratch } from '../support/scratch.ts';

const policy = (host: string): string =>
  `version: 1\nnetwork_policies:\n  site:\n    endpoints: [{host: ${host}, port: 443}]\n    binaries: [/**]\n`;
const hostsOf = ({ policies }: EgressTable): string[] =>
  policies.flatMap(({ endpoints }) => endpoints.map(({ host }) => host));

let scratch: Scratch;
let path: string;
let used: string[][];
let events: Draft[];
let told: string[];

beforeEach(() => {
  scratch = new Scratch('policy-reloader');
  path = join(scratch.path, 'policy.yaml');
  used = [];
  events = [];
  told = [];
});
afterEach(() => scratch.remove());

function reloader(text: string, onBadPolicy: OnBadPolicy = 'keep'): PolicyReloader {
  writeFileSync(path, text);
  return new PolicyReloader({
    policy: { name: 'policy.yaml', path, text },
    operator: NO_REQUEST,
    workdir: '/',
    onBadPolicy,
    plan: compiled(text),
    use: async (egress) => {
      used.push(hostsOf(egress));
      return { closed: 1, killed: 0, surviving: 0 };
    },
    emit: (draft) => events.push(draft),
    tell: (line) => told.push(line),
  });
}
const reasons = (): string[] => events.map(({ reason }) => reason);

describe('a later text', () => {
  it('is one generation, however often it is asked for', async () => {
    const policies = reloader(policy('a.test'));
    expect(await policies.reload()).toMatchObject({ result: 'unchanged', generation: 1 });
    writeFileSync(path, policy('b.test'));
    const outcomes = await Promise.all([policies.reload(), policies.reload(), policies.reload()]);
    expect(outcomes.map(({ result, generation }) => `${result} ${generation}`)).toEqual([
      'applied 2',
      'unchanged 2',
      'unchanged 2',
    ]);
    expect(used).toEqual([['b.test']]);
    expect(reasons()).toEqual(['policy_reloaded']);
  });

  it.each([
    ['is no YAML', 'version: ['],
    ['is no policy', 'version: 1\nnetwork: 1\n'],
    [
      'contradicts its own examples',
      `${policy('b.test')}expect: [{connect: 'c.test:443', verdict: allow}]\n`,
    ],
    [
      'cannot be enforced',
      'version: 1\nnetwork_middlewares: {m: {middleware: x, endpoints: {include: [a.test]}}}\n',
    ],
    ['is too long', `${policy('b.test')}#${'x'.repeat(POLICY_LIMITS.bytes)}`],
  ])('changes nothing when it %s', async (_what, text) => {
    const policies = reloader(policy('a.test'));
    writeFileSync(path, text);
    const outcome = await policies.reload();
    expect(outcome).toMatchObject({ result: 'kept', generation: 1, closed: 0 });
    expect(outcome.messages.join('')).not.toBe('');
    await policies.reload();
    expect(reasons()).toEqual(['policy_invalid']);
    expect(used).toEqual([]);
    writeFileSync(path, policy('a.test'));
    expect(await policies.reload()).toMatchObject({ result: 'unchanged' });
    writeFileSync(path, text);
    await policies.reload();
    expect(reasons()).toEqual(['policy_invalid', 'policy_invalid']);
  });

  it('changes nothing when the file is gone, is a directory or cannot be told from one', async () => {
    const policies = reloader(policy('a.test'));
    rmSync(path);
    expect(await policies.reload()).toMatchObject({ result: 'kept', generation: 1 });
    symlinkSync('/', path);
    expect(await policies.reload()).toMatchObject({ result: 'kept', generation: 1 });
    rmSync(path);
    symlinkSync('policy.yaml', path);
    expect(await policies.reload()).toMatchObject({ result: 'kept', generation: 1 });
    expect(used).toEqual([]);
  });

  it('is waited for while it is being written', async () => {
    const policies = reloader(policy('a.test'), 'quarantine');
    writeFileSync(path, '');
    const outcome = policies.reload();
    setTimeout(() => writeFileSync(path, policy('b.test')), 100);
    expect(await outcome).toMatchObject({ result: 'applied' });
    expect(used).toEqual([['b.test']]);
  });

  it('that is none lets nothing out under quarantine, until there is one, be it the first', async () => {
    const policies = reloader(policy('a.test'), 'quarantine');
    writeFileSync(path, 'nonsense');
    expect(await policies.reload()).toMatchObject({ result: 'quarantined', generation: 2, closed: 1 });
    expect(policies.state).toEqual({ generation: 2, quarantined: true });
    writeFileSync(path, 'other nonsense');
    expect(await policies.reload()).toMatchObject({ result: 'quarantined', generation: 2, closed: 0 });
    writeFileSync(path, policy('a.test'));
    expect(await policies.reload()).toMatchObject({ result: 'applied', generation: 3 });
    expect(policies.state).toEqual({ generation: 3, quarantined: false });
    expect(used).toEqual([[], ['a.test']]);
    expect(reasons()).toEqual(['policy_quarantined', 'policy_quarantined', 'policy_reloaded']);
  });

  it('that cannot be taken into use leaves things as they are, and may be tried again', async () => {
    const policies = reloader(policy('a.test'));
    const failing = new PolicyReloader({
      policy: { name: 'policy.yaml', path, text: policy('a.test') },
      operator: NO_REQUEST,
      workdir: '/',
      onBadPolicy: 'keep',
      plan: compiled(policy('a.test')),
      use: () => Promise.reject(new Error('no')),
      emit: (draft) => events.push(draft),
      tell: () => {},
    });
    writeFileSync(path, policy('b.test'));
    await expect(failing.reload()).rejects.toThrow('no');
    await expect(failing.reload()).rejects.toThrow('no');
    expect(failing.state).toEqual({ generation: 1, quarantined: false });
    expect(await policies.reload()).toMatchObject({ result: 'applied' });
  });
});
