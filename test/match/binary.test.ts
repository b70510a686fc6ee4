import { describe, expect, it } from 'vitest';
import { compileBinary, matchBinary } from '../../src/match/binary.ts';
import type { BinaryIdentity } from '../../src/match/identity.ts';
import type { EgressBinary } from '../../src/plan/plan.ts';
import { binary, identity, SHA_A, SHA_B } from './tables.ts';

function match(entry: EgressBinary, who: BinaryIdentity): string {
  const rule = compileBinary(entry);
  if (!rule.ok) throw new Error(rule.error);
  const result = matchBinary(rule.value, who);
  return typeof result === 'string' ? result : result.path;
}

describe('matchBinary', () => {
  it.each([
    ['the exact path', binary('/usr/bin/curl'), identity('/usr/bin/curl'), '/usr/bin/curl'],
    ['no other path', binary('/usr/bin/curl'), identity('/usr/bin/curl2'), 'path'],
    ['no other case', binary('/usr/bin/curl'), identity('/usr/bin/CURL'), 'path'],
    [
      'what a link points at',
      binary('/usr/bin/node', { resolved: '/opt/n/node' }),
      identity('/opt/n/node'),
      '/opt/n/node',
    ],
    [
      'the link as well',
      binary('/usr/bin/node', { resolved: '/opt/n/node' }),
      identity('/usr/bin/node'),
      '/usr/bin/node',
    ],
    ['a glob within one component', binary('/usr/bin/*'), identity('/usr/bin/curl'), '/usr/bin/curl'],
    ['a glob not across components', binary('/usr/bin/*'), identity('/usr/bin/x/y'), 'path'],
    ['a deep glob', binary('/usr/**'), identity('/usr/lib/git-core/git'), '/usr/lib/git-core/git'],
    ['every program for /**', binary('/**'), identity('/x'), '/x'],
    [
      'an ancestor',
      binary('/usr/bin/git'),
      identity('/usr/lib/git-core/git-remote-https', ['/usr/bin/git']),
      '/usr/bin/git',
    ],
    ['a far ancestor', binary('/bin/agent'), identity('/a', ['/b', '/c', '/bin/agent']), '/bin/agent'],
    [
      'no ancestor when it may not',
      binary('/bin/agent', { ancestors: false }),
      identity('/a', ['/bin/agent']),
      'ancestor_only',
    ],
    ['the caller when no ancestor may', binary('/a', { ancestors: false }), identity('/a', ['/b']), '/a'],
    ['a pinned content', binary('/a', { sha256: SHA_A }), identity('/a', [], SHA_A), '/a'],
    ['no other content', binary('/a', { sha256: SHA_A }), identity('/a', [], SHA_B), 'content'],
    [
      'the content of the ancestor that matched',
      binary('/b', { sha256: SHA_B }),
      identity('/a', ['/b'], SHA_A),
      '/b',
    ],
    [
      'not the content of another process',
      binary('/b', { sha256: SHA_A }),
      identity('/a', ['/b'], SHA_A),
      'content',
    ],
    [
      'a further ancestor when the nearer has other content',
      binary('/b', { sha256: SHA_A }),
      { ...identity('/b', [], SHA_B), ancestors: [{ path: '/b', sha256: SHA_A }] },
      '/b',
    ],
  ])('matches %s', (_what, entry, who, expected) => {
    expect(match(entry, who)).toBe(expected);
  });

  it('grants nothing to a program whose content could not be read', () => {
    const who = { ...identity('/a'), executable: { path: '/a', sha256: null } };
    expect(match(binary('/**'), who)).toBe('content');
  });
});
