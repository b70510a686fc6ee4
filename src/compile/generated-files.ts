/** Files of /etc that must tell of the sandbox and not of the host. */
import { liesIn } from '../base/path.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { Identity, Mount, NetworkMode, Origin } from '../plan/plan.ts';
import { TRUST_DIRECTORY, TRUST_FILES } from '../plan/trust-files.ts';
import { INNER } from '../plan/wire.ts';
import type { Shown } from './shown-paths.ts';

export const HOSTNAME = 'sandbox';
const BUILTIN: Origin = { kind: 'builtin', line: null };

/** With the host's network its own resolvers answer. Without one nobody does, at once. */
const RESOLVERS = {
  proxy: `nameserver ${INNER.dns}\n`,
  block: 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n',
} as const;

export function generatedFiles(
  shown: Shown,
  facts: HostFacts,
  identity: Identity,
  network: NetworkMode,
  opensTls: boolean,
): Mount[] {
  const files: [string, string][] = [
    ['/etc/passwd', passwd(identity)],
    ['/etc/group', group(identity)],
    ['/etc/hosts', `127.0.0.1 localhost ${HOSTNAME}\n::1 localhost ip6-localhost ip6-loopback ${HOSTNAME}\n`],
    ['/etc/hostname', `${HOSTNAME}\n`],
  ];
  if (network !== 'allow') files.push(['/etc/resolv.conf', RESOLVERS[network]]);
  const rows: Mount[] = [];
  for (const [path, content] of files) {
    const fact = facts.paths.byPath.get(path);
    const target = fact?.canonical ?? path;
    const held = shown.paths.some((other) => other.kind === 'host' && liesIn(target, other.target));
    // A file that a shown directory of the host lacks cannot be put there: that directory is not ours to change.
    if (held && fact?.kind !== 'file') continue;
    rows.push({ kind: 'file', target, content, mode: 0o444, origin: BUILTIN });
  }
  if (network === 'allow') rows.push(...hostResolvers(shown, facts));
  if (opensTls)
    for (const filled of ['ca', 'bundle'] as const)
      rows.push({
        kind: 'file',
        target: `${TRUST_DIRECTORY}/${TRUST_FILES[filled]}`,
        content: '',
        filled,
        mode: 0o444,
        origin: BUILTIN,
      });
  return rows;
}

/** resolv.conf often links to a directory that is not shown: its target then is. */
function hostResolvers(shown: Shown, facts: HostFacts): Mount[] {
  const fact = facts.paths.byPath.get('/etc/resolv.conf');
  if (fact?.kind !== 'file' || shown.paths.some(({ target }) => liesIn(fact.canonical, target))) return [];
  return [
    {
      kind: 'bind',
      source: fact.canonical,
      target: fact.canonical,
      writable: false,
      devices: false,
      kept: false,
      idmapOwner: null,
      origin: BUILTIN,
    },
  ];
}

function passwd({ insideUid, insideGid, userName, home }: Identity): string {
  const shell = '/bin/sh';
  const lines = [
    `root:x:0:0:root:/root:${shell}`,
    `${userName}:x:${insideUid}:${insideGid}:sandbox user:${home}:${shell}`,
  ];
  if (insideUid !== 65534) lines.push('nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin');
  return `${lines.join('\n')}\n`;
}

function group({ insideGid, groupName }: Identity): string {
  const lines = ['root:x:0:', `${groupName}:x:${insideGid}:`, 'tty:x:5:'];
  if (insideGid !== 65534) lines.push('nogroup:x:65534:');
  return `${lines.join('\n')}\n`;
}
