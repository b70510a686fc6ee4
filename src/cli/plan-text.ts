/** A plan as sections of lines, for people and for comparing two. Every row says where it comes from. */
import { formatDuration, formatSize } from '../base/quantity.ts';
import { listSeccomp } from '../compile/seccomp-listing.ts';
import { rightNames } from '../kernel/landlock.ts';
import { INFERENCE_HOST, INFERENCE_PORT } from '../plan/inference.ts';
import type { EgressPolicy, LayerReport, Mount, Origin, Plan } from '../plan/plan.ts';
import { table } from './output.ts';
import { inspectionLines } from './plan-inspection.ts';
import type { Line } from './plan-line.ts';

type Section = [title: string, lines: readonly Line[]];

export function planSections(plan: Plan, listing: boolean): Section[] {
  return [
    ['layers', rows(plan.report.map(layerCells))],
    ['identity', plain(identityLines(plan))],
    [
      'files',
      rows(
        plan.mounts.map((mount) => [...mountCells(mount), originText(mount.origin)]),
        true,
      ),
    ],
    ['landlock', landlockLines(plan)],
    ['network', networkLines(plan)],
    ['limits', plain(limitLines(plan))],
    [
      'environment',
      plain(
        plan.environment.map(({ name, value, scratch, credential }) =>
          credential === true
            ? `${name} (a placeholder)`
            : scratch !== undefined
              ? `${name}=${scratchPath(scratch)}`
              : value === null
                ? `${name} (the caller's)`
                : `${name}=${value}`,
        ),
      ),
    ],
    ['system calls', seccompLines(plan)],
    ['warnings', plain(plan.warnings)],
    ['notes', plain(plan.notes)],
    ['filter', plain(listing ? filterLines(plan) : [])],
  ];
}

const plain = (texts: readonly string[]): Line[] => texts.map((text) => ({ text, enforced: text }));

/** @param withOrigin the last cell says only where the row comes from */
function rows(cells: readonly (readonly string[])[], withOrigin = false): Line[] {
  const texts = table(cells, '');
  return cells.map((row, i) => ({
    text: texts[i]!,
    enforced: (withOrigin ? row.slice(0, -1) : row).join('\0'),
  }));
}

const layerCells = ({ layer, state, detail, required }: LayerReport): string[] => [
  layer,
  state,
  `${detail}${required ? '' : ' (not required)'}`,
];

const originText = (origin: Origin): string =>
  origin.kind === 'policy' ? `line ${origin.line}` : origin.kind;

/** A directory that each run has for itself. */
const scratchPath = (directory: string): string => `RUN/${directory}`;

function identityLines({ identity, namespaces, environment, workdir, tier }: Plan): string[] {
  const { insideUid, insideGid, userName, host } = identity;
  const own = environment.find(({ name }) => name === 'HOME');
  const home = own?.scratch === undefined ? (own?.value ?? identity.home) : scratchPath(own.scratch);
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
    names.length === 0
      ? `tier ${tier}: no namespaces; RUN is a directory made for each run`
      : `tier ${tier}: own ${names.join(', ')} namespaces`,
  ];
}

function mountCells(mount: Mount): string[] {
  switch (mount.kind) {
    case 'bind':
      return [
        mount.writable ? 'rw' : 'ro',
        mount.source === mount.target ? mount.target : `${mount.target} <- ${mount.source}`,
        mount.devices ? 'device' : 'host',
      ];
    case 'private':
      return mount.writable ? ['rw', mount.target, 'private'] : ['--', mount.target, 'hidden'];
    case 'proc':
    case 'devpts':
      return ['rw', mount.target, mount.kind];
    case 'file':
      return [mount.mode === 0 ? '--' : 'ro', mount.target, mount.mode === 0 ? 'hidden' : 'made'];
    case 'symlink':
      return ['ln', `${mount.target} -> ${mount.link}`, 'link'];
  }
}

function landlockLines({ landlock }: Plan): Line[] {
  if (landlock.abi === 0) return plain(['off: this kernel has none']);
  const scopes = rightNames('scope', landlock.scoped);
  const net = rightNames('net', landlock.handledNet);
  const head = [
    `ABI ${landlock.abi}`,
    ...(net.length === 0 ? [] : [`no port at all: ${net.join(', ')}`]),
    ...(scopes.length === 0 ? [] : [`scoped: ${scopes.join(', ')}`]),
  ];
  const cells = landlock.rows.map(({ path, access, origin }) => [
    path.startsWith('/') ? path : scratchPath(path),
    rightNames('fs', access).join(' '),
    originText(origin),
  ]);
  return [...plain(head), ...rows(cells, true)];
}

function networkLines({ egress }: Plan): Line[] {
  return [
    ...plain([
      `mode ${egress.mode}${egress.mode === 'proxy' ? `, proxy at 127.0.0.1:${egress.proxyPort}` : ''}`,
      ...(egress.inference === undefined
        ? []
        : [`${INFERENCE_HOST}:${INFERENCE_PORT} for everybody: routes ${egress.inference.join(', ')}`]),
      ...(egress.pin === 'start' ? ['names are resolved once, at the start'] : []),
    ]),
    ...egress.policies.flatMap(policyLines),
  ];
}

function policyLines(policy: EgressPolicy): Line[] {
  const who = policy.binaries.map(
    ({ pattern, ancestors, sha256 }) =>
      `${pattern}${ancestors ? '' : ' (not as ancestor)'}${sha256 === null ? '' : ` sha256:${sha256.slice(0, 12)}…`}`,
  );
  return policy.endpoints.flatMap(({ host, ports, allowedIps, line, inspection }) => {
    const addresses = allowedIps.length === 0 ? '' : ` within ${allowedIps.join(', ')}`;
    const enforced = `${policy.key}: ${host === '' ? 'any host' : host}:${ports.join(',')}${addresses} for ${who.length === 0 ? 'nobody' : who.join(', ')}`;
    return [
      { text: `${enforced}  ${line === null ? 'flag' : `line ${line}`}`, enforced },
      ...(inspection === null ? [] : inspectionLines(inspection)),
    ];
  });
}

function limitLines({ rlimits, limits }: Plan): string[] {
  const rows = rlimits.map(
    ({ name, soft, hard, above }) =>
      `${name} ${soft}${soft === hard ? '' : `, hard ${hard}`}${above === true ? ' more than the user has at the start' : ''}`,
  );
  if (limits.memory !== null) rows.push(`memory ${formatSize(limits.memory)}`);
  if (limits.cpuTime !== null) rows.push(`CPU time ${formatDuration(limits.cpuTime)}`);
  if (limits.wallTime !== null) rows.push(`time ${formatDuration(limits.wallTime)}`);
  if (limits.disk !== null) rows.push(`private directories ${formatSize(limits.disk)}`);
  return rows;
}

function seccompLines({ seccomp }: Plan): Line[] {
  const shaped = seccomp.rules
    .filter(({ line }) => line !== null)
    .map(({ name, line }) => ({ text: `${name}  line ${line}`, enforced: name }));
  const sum = `allow list in ${seccomp.program.length} instructions, ${seccomp.rules.length} rules`;
  return [...plain([sum]), ...shaped];
}

function filterLines({ seccomp, arch }: Plan): readonly string[] {
  const listed = listSeccomp(seccomp.program, arch);
  return listed.ok ? listed.value : [listed.error];
}
