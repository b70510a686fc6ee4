import { describe, expect, it } from 'vitest';
import { NO_REQUEST, type OperatorRequest } from '../../src/compile/input.ts';
import { compileNext, quarantined } from '../../src/compile/next-generation.ts';
import { parsePolicy } from '../../src/policy/check.ts';
import { compiled } from './compiled.ts';
import { pretendedHost } from './pretended-host.ts';

const site = (host: string, more = ''): string =>
  `network_policies:\n  site:\n    endpoints: [{host: ${host}, port: 443${more}}]\n    binaries: [/usr/bin/curl, /bin/git]\n`;
const START = `version: 1\n${site('a.test')}limits: {processes: 99}\n`;

function next(text: string, start = START, operator: Partial<OperatorRequest> = {}) {
  const request = { ...NO_REQUEST, ...operator };
  return compileNext({
    running: compiled(start, { operator }),
    began: parsePolicy(start).policy!,
    next: parsePolicy(text).policy!,
    operator: request,
    facts: pretendedHost(),
  });
}

function taken(text: string, start = START, operator: Partial<OperatorRequest> = {}) {
  const result = next(text, start, operator);
  if (!result.ok) throw new Error(result.error.map(({ message }) => message).join('\n'));
  return result.value;
}

describe('a later policy', () => {
  it('gives the table that a start by it would have', () => {
    const text = `version: 1\n${site('b.test')}limits: {processes: 99}\n`;
    expect(taken(text)).toEqual({ egress: compiled(text).egress, pending: [] });
  });

  it('has what the command line adds', () => {
    const operator = { allow: [{ host: 'c.test', port: 443 }] };
    expect(
      taken(`version: 1\n${site('b.test')}limits: {processes: 99}\n`, START, operator).egress.policies,
    ).toHaveLength(2);
  });

  it.each<[string, string, string[]]>([
    ['only moved', `# a line more\n\n${START}`, []],
    ['other limits', START.replace('99', '98'), ['limits']],
    ['files', `${START}filesystem_policy: {read_only: [/opt]}\n`, ['filesystem_policy']],
    ['system calls', `${START}process: {netlink: deny}\n`, ['process']],
    ['a hard requirement', `${START}landlock: {compatibility: hard_requirement}\n`, ['landlock']],
    ['pinned names', `${START}dns: {pin: start}\n`, ['dns']],
  ])('with %s names what waits for the next start', (_what, text, pending) => {
    expect(taken(text).pending).toEqual(pending);
    expect(taken(text).egress.pin).toBe('connect');
  });

  it('opens no network where there was none at the start, and says so', () => {
    const { egress, pending } = taken(START, 'version: 1\nlimits: {processes: 99}\n');
    expect(egress.mode).toBe('block');
    expect(pending).toEqual([expect.stringContaining('network_policies')]);
  });

  it('says that datagrams need a start', () => {
    const { pending } = taken(START.replace('443', '443, protocol: udp'));
    expect(pending).toEqual([expect.stringContaining('udp')]);
  });

  it('without a network lets nothing out', () => {
    const { egress, pending } = taken('version: 1\nlimits: {processes: 99}\n');
    expect(egress).toMatchObject({ mode: 'proxy', policies: [] });
    expect(pending).toEqual([]);
  });

  it('that misses one of its own examples is none', () => {
    const result = next(`${START}expect: [{connect: 'b.test:443', verdict: allow}]\n`);
    expect(result.ok ? [] : result.error.map(({ line }) => line)).toEqual([7]);
  });

  it('is not asked about examples of what is locked', () => {
    expect(next(`${START}expect: [{write: /usr/bin, verdict: allow}]\n`).ok).toBe(true);
  });

  it('that cannot be enforced is none', () => {
    expect(
      next(`${START}network_middlewares: {m: {middleware: x, endpoints: {include: [a.test]}}}\n`).ok,
    ).toBe(false);
  });
});

it('quarantine has no rule left', () => {
  const { egress } = compiled(START);
  expect(quarantined(egress)).toEqual({ ...egress, policies: [] });
});
