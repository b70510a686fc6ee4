/** A plan as sections of lines, for people and for comparing two. Every row says where it comes from. */
import { formatDuration, formatSize } from '../base/quantity.ts';
import { listSeccomp } from '../compile/seccomp-listing.ts';
import { rightNames } from '../kernel/landlock.ts';
import type { EgressPolicy, Mount, Origin, Plan } from '../plan/plan.ts';
import { table } from './output.ts';

export function planSections(plan: Plan, listing: boolean): [title: string, lines: readonly string[]][] {
  return [
    [
      'layers',
      table(
        plan.report.map(({ layer, state, detail, required }) => [
          layer,
          state,
          `${detail}${required ? '' : ' (not required)'}`,
        ]),
        '',
      ),
    ],
    ['identity', identityLines(plan)],
    ['files', table(plan.mounts.map(mountCells), '')],
    ['landlock', landlockLines(plan)],
    ['network', networkLines(plan)],
    ['limits', limitLines(plan)],
    [
      'environment',
      plan.environment.map(({ name, value }) =>
        value === null ? `${name} (the caller's)` : `${name}=${value}`,
      ),
    ],
    ['system calls', seccompLines(plan)],
    ['warnings', plan.warnings],
    ['notes', plan.notes],
    ['filter', listing ? filterLines(plan) : []],
  ];
}

const originText = (origin: Origin): string =>
  origin.kind === 'policy' ? `line ${origin.line}` : origin.kind;

function identityLines({ identity, namespaces, workdir, tier }: Plan): string[] {
  const { insideUid, insideGid, userName, host, home } = identity;
  const outside =
    host.kind === 'caller'
      ? `${host.uid}:${host.gid} on the host`
      : host.uid === 'unused'
        ? 'an unused user of the host'
        : `${host.uid}:${host.gid} on the host`;
  const names = Object.entries(namespaces)
    .filter(([, value]) => value === true)
    .map(([name]) => name);
  return [
    `user ${userName} (${insideUid}:${insideGid}), ${outside}`,
    `home ${home}, working directory ${workdir}`,
    `tier ${tier}: own ${names.join(', ')} namespaces`,
  ];
}

function mountCells(mount: Mount): string[] {
  const origin = originText(mount.origin);
  switch (mount.kind) {
    case 'bind':
      return [
        mount.writable ? 'rw' : 'ro',
        mount.source === mount.target ? mount.target : `${mount.target} <- ${mount.source}`,
        mount.devices ? 'device' : 'host',
        origin,
      ];
    case 'private':
      return mount.writable
        ? ['rw', mount.target, 'private', origin]
        : ['--', mount.target, 'hidden', origin];
    case 'proc':
    case 'devpts':
      return ['rw', mount.target, mount.kind, origin];
    case 'file':
      return [mount.mode === 0 ? '--' : 'ro', mount.target, mount.mode === 0 ? 'hidden' : 'made', origin];
    case 'symlink':
      return ['ln', `${mount.target} -> ${mount.link}`, 'link', origin];
  }
}

function landlockLines({ landlock }: Plan): string[] {
  if (landlock.abi === 0) return ['off: this kernel has none'];
  const scopes = rightNames('scope', landlock.scoped);
  const net = rightNames('net', landlock.handledNet);
  return [
    `ABI ${landlock.abi}`,
    ...(net.length === 0 ? [] : [`no port at all: ${net.join(', ')}`]),
    ...(scopes.length === 0 ? [] : [`scoped: ${scopes.join(', ')}`]),
    ...table(
      landlock.rows.map(({ path, access, origin }) => [
        path,
        rightNames('fs', access).join(' '),
        originText(origin),
      ]),
      '',
    ),
  ];
}

function networkLines({ egress }: Plan): string[] {
  return [
    `mode ${egress.mode}${egress.mode === 'proxy' ? `, proxy at 127.0.0.1:${egress.proxyPort}` : ''}`,
    ...(egress.pin === 'start' ? ['names are resolved once, at the start'] : []),
    ...egress.policies.flatMap(policyLines),
  ];
}

function policyLines(policy: EgressPolicy): string[] {
  const who = policy.binaries.map(
    ({ pattern, ancestors, sha256 }) =>
      `${pattern}${ancestors ? '' : ' (not as ancestor)'}${sha256 === null ? '' : ` sha256:${sha256.slice(0, 12)}…`}`,
  );
  return policy.endpoints.map(({ host, ports, allowedIps, line }) => {
    const addresses = allowedIps.length === 0 ? '' : ` within ${allowedIps.join(', ')}`;
    return `${policy.key}: ${host === '' ? 'any host' : host}:${ports.join(',')}${addresses} for ${who.length === 0 ? 'nobody' : who.join(', ')}  ${line === null ? 'flag' : `line ${line}`}`;
  });
}

function limitLines({ rlimits, limits }: Plan): string[] {
  const rows = rlimits.map(
    ({ name, soft, hard }) => `${name} ${soft}${soft === hard ? '' : `, hard ${hard}`}`,
  );
  if (limits.memory !== null) rows.push(`memory ${formatSize(limits.memory)}`);
  if (limits.cpuTime !== null) rows.push(`CPU time ${formatDuration(limits.cpuTime)}`);
  if (limits.wallTime !== null) rows.push(`time ${formatDuration(limits.wallTime)}`);
  if (limits.disk !== null) rows.push(`private directories ${formatSize(limits.disk)}`);
  return rows;
}

function seccompLines({ seccomp }: Plan): string[] {
  const shaped = seccomp.rules
    .filter(({ line }) => line !== null)
    .map(({ name, line }) => `${name}  line ${line}`);
  return [`allow list in ${seccomp.program.length} instructions, ${seccomp.rules.length} rules`, ...shaped];
}

function filterLines({ seccomp, arch }: Plan): readonly string[] {
  const listed = listSeccomp(seccomp.program, arch);
  return listed.ok ? listed.value : [listed.error];
}
