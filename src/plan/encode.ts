import { AUDIT_ARCH } from '../kernel/arch.ts';
import {
  hasDatagrams,
  type Mount,
  type Namespaces,
  type NotifyHandler,
  type NotifyQuestion,
  type NotifyRow,
  type Plan,
  type Rlimit,
} from './plan.ts';
import { ENUMS, encodeDocument, type Row, type SECTIONS } from './wire.ts';

/** What one run adds to a plan: it differs from run to run, so it is no part of the plan. */
export interface LaunchRequest {
  readonly command: readonly [string, ...string[]];
  /** `NAME=value` strings, in order. */
  readonly environment: readonly string[];
  /** Where a bare command name is looked up. */
  readonly searchPath: string;
  /** Give the program a terminal of its own. */
  readonly terminal: boolean;
  /** Directory of the cgroup that the sandbox is put into, or null. */
  readonly cgroup: string | null;
  /** The run's scratch directory, in the `platform` tier. */
  readonly scratch?: string | null;
}

type Fields<S extends keyof typeof SECTIONS> = Row<(typeof SECTIONS)[S]['fields']>;

const UNLIMITED = 0xffff_ffff_ffff_ffffn;

type EncodeText = (text: string) => Uint8Array;

/** What the launcher enforces. Equal plans give equal bytes. */
export function encodePlan(plan: Plan, encodeText: EncodeText): Uint8Array {
  return encodeDocument(
    {
      settings: [settingsRow(plan)],
      mount: plan.mounts.map(mountRow),
      landlock: plan.landlock.rows.map(({ path, access }) => ({ path, access })),
      instruction: plan.seccomp.program.map(({ code, jt, jf, k }) => ({ code, jt, jf, k })),
      notify: plan.seccomp.notify.map(notifyRow),
      rlimit: plan.rlimits.map(rlimitRow),
    },
    encodeText,
  );
}

/** What it starts inside. */
export function encodeRequest(request: LaunchRequest, encodeText: EncodeText): Uint8Array {
  const { command, environment, searchPath, terminal, cgroup, scratch } = request;
  return encodeDocument(
    {
      argument: command.map((text) => ({ text })),
      environment: environment.map((text) => ({ text })),
      request: [
        {
          search_path: searchPath,
          cgroup: cgroup ?? '',
          scratch: scratch ?? '',
          flags: terminal ? ENUMS.request_flag.tty : 0,
          pad: 0,
        },
      ],
    },
    encodeText,
  );
}

function settingsRow(plan: Plan): Fields<'settings'> {
  const { host } = plan.identity;
  const unused = host.kind === 'drop' && (host.uid === 'unused' || host.gid === 'unused');
  const kinds = ENUMS.host_kind;
  const counted = plan.limits.holder.kind === 'warden';
  return {
    audit_arch: AUDIT_ARCH[plan.arch],
    namespaces: namespaceBits(plan.namespaces),
    inside_uid: plan.identity.insideUid,
    inside_gid: plan.identity.insideGid,
    host_kind: host.kind === 'caller' ? kinds.caller : unused ? kinds.drop_unused : kinds.drop,
    host_uid: typeof host.uid === 'number' ? host.uid : 0,
    host_gid: typeof host.gid === 'number' ? host.gid : 0,
    landlock_abi: plan.landlock.abi,
    handled_fs: plan.landlock.handledFs,
    handled_net: plan.landlock.handledNet,
    scoped: plan.landlock.scoped,
    memory_bytes: counted ? (plan.limits.memory ?? 0) : 0,
    cpu_ms: counted ? (plan.limits.cpuTime ?? 0) : 0,
    private_bytes: plan.limits.disk ?? 0,
    hostname: plan.namespaces.hostname,
    workdir: plan.workdir,
    proxy_port: plan.egress.mode === 'proxy' ? plan.egress.proxyPort : 0,
    datagrams: plan.egress.mode === 'proxy' && hasDatagrams(plan.egress) ? 1 : 0,
    platform: plan.tier === 'platform' ? 1 : 0,
    network_held: plan.egress.mode === 'allow' ? 0 : 1,
    processes: plan.limits.processesBy === 'warden' ? plan.limits.processes : 0,
    unobservable_rule: plan.seccomp.rules.findIndex(({ name }) => name === 'unobservable'),
  };
}

/** The bits of `ENUMS.namespace`. */
export function namespaceBits(namespaces: Omit<Namespaces, 'hostname'>): number {
  let bits = 0;
  for (const name of ['user', 'mount', 'pid', 'ipc', 'uts', 'cgroup', 'network'] as const) {
    if (namespaces[name]) bits |= ENUMS.namespace[name];
  }
  return bits;
}

function mountRow(mount: Mount): Fields<'mount'> {
  const kind = ENUMS.mount_kind[mount.kind];
  const empty = {
    kind,
    flags: 0,
    source: '',
    target: mount.target,
    mode: 0,
    owner_uid: 0,
    owner_gid: 0,
    pad: 0,
  };
  const flag = ENUMS.mount_flag;
  switch (mount.kind) {
    case 'bind':
      return {
        ...empty,
        flags:
          (mount.writable ? flag.writable : 0) |
          (mount.devices ? flag.devices : 0) |
          (mount.idmapOwner ? flag.idmapped : 0) |
          (mount.kept ? flag.kept : 0),
        source: mount.source,
        owner_uid: mount.idmapOwner?.uid ?? 0,
        owner_gid: mount.idmapOwner?.gid ?? 0,
      };
    case 'private':
      return { ...empty, flags: mount.writable ? flag.writable : 0, mode: mount.mode };
    case 'file':
      return { ...empty, source: mount.content, mode: mount.mode };
    case 'symlink':
      return { ...empty, source: mount.link };
    case 'proc':
    case 'devpts':
      return empty;
  }
}

const NO_QUESTION: NotifyQuestion = { index: 0, mask: 0, value: 0 };
const HANDLERS: Readonly<Record<NotifyHandler, number>> = ENUMS.handler;

function notifyRow(row: NotifyRow): Fields<'notify'> {
  const match = ENUMS.match;
  const [first = NO_QUESTION, second = NO_QUESTION, third = NO_QUESTION] = row.questions;
  return {
    arch: row.arch ?? 0,
    nr: row.nr ?? 0,
    handler: HANDLERS[row.handler],
    errno_value: row.errno,
    rule: row.rule,
    match: (row.arch === null ? 0 : match.arch) | (row.nr === null ? 0 : match.nr),
    thread: row.thread ?? 0,
    questions: row.questions.length,
    arg_index: first.index,
    arg_mask: first.mask,
    arg_value: first.value,
    arg2_index: second.index,
    arg2_mask: second.mask,
    arg2_value: second.value,
    arg3_index: third.index,
    arg3_mask: third.mask,
    arg3_value: third.value,
    pad: 0,
  };
}

function rlimitRow(limit: Rlimit): Fields<'rlimit'> {
  const value = (n: number | 'unlimited'): bigint => (n === 'unlimited' ? UNLIMITED : BigInt(n));
  return {
    resource: limit.resource,
    above: limit.above === true ? 1 : 0,
    soft: value(limit.soft),
    hard: value(limit.hard),
  };
}
