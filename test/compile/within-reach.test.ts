import { describe, expect, it } from 'vitest';
import { directoryWithinReach } from '../../src/compile/within-reach.ts';
import type { PathFact } from '../../src/plan/facts.ts';
import { compiled } from './compiled.ts';

const POLICY =
  'version: 1\nfilesystem_policy: {include_workdir: true, read_only: [/opt], read_write: [/var/log]}\n';
const file = (canonical: string, ...links: string[]): PathFact => ({
  kind: 'file',
  canonical,
  links: links.map((at) => ({ at, text: canonical })),
  uid: 1000,
  gid: 1000,
});

describe.each(['namespaces', 'platform'] as const)('in the %s tier, the directory of a policy', (tier) => {
  const plan = compiled(POLICY, { operator: { tier } });

  it.each<[string, PathFact, string | null]>([
    ['outside', file('/etc/p.yaml'), null],
    ['that is shown', file('/opt/p.yaml'), null],
    ['that may be written in', file('/var/log/p.yaml'), '/var/log'],
    ['below one that may be written in', file('/home/dev/project/a/p.yaml'), '/home/dev/project/a'],
    ['beside one that may be written in', file('/var/p.yaml'), null],
    ['of a link that leads out', file('/etc/p.yaml', '/home/dev/project/p.yaml'), '/home/dev/project'],
    ['of links that all lie outside', file('/etc/p.yaml', '/opt/a', '/opt/b'), null],
  ])('%s', (_what, fact, expected) => {
    expect(directoryWithinReach(plan, fact)).toBe(expected);
  });
});
