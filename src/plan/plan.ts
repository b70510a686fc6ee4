/**
 * The plan: everything that will be enforced for one sandbox, as frozen plain data. It is the narrow waist of the
 * program: `compile` makes it, `launch`, `egress` and `http` see nothing else of the policy. Two compilations of equal
 * inputs give byte-equal plans (INV-02), so it holds no time, no random value and no process number.
 */
import type { Arch } from '../kernel/arch.ts';
import type { RepositoryFacts } from './facts.ts';
import type { MessageRules } from './messages.ts';
import type { TrustFile } from './trust-files.ts';

export interface Plan {
  readonly format: 1;
  readonly arch: Arch;
  readonly tier: Tier;
  readonly policy: { readonly file: string | null };
  readonly identity: Identity;
  readonly namespaces: Namespaces;
  readonly mounts: readonly Mount[];
  readonly landlock: LandlockPlan;
  readonly seccomp: SeccompPlan;
  readonly rlimits: readonly Rlimit[];
  readonly limits: SandboxLimits;
  readonly environment: readonly EnvironmentEntry[];
  readonly workdir: string;
  readonly egress: EgressTable;
  readonly report: readonly LayerReport[];
  readonly hostTrust: HostTrust;
  /** What an operator should know at every start, and what only explains the plan; each a clause. */
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
}

/** What programs of the host trust in the writable directories, as it was before the program started. */
export interface HostTrust {
  /** Names that did not exist, so that nothing could be held there: the program may have made them. */
  readonly absent: readonly string[];
  /** Names that this tier cannot hold: the program may have changed them. */
  readonly unheld: readonly string[];
  readonly repositories: RepositoryFacts;
}

export type Tier = 'namespaces' | 'platform';

/** Where a row of the plan comes from; `line` counts from 1 in the policy file. */
export type Origin =
  | { readonly kind: 'policy'; readonly line: number }
  | { readonly kind: 'default' | 'baseline' | 'flag' | 'builtin' | 'protected'; readonly line: null };

export interface Identity {
  readonly insideUid: number;
  readonly insideGid: number;
  /**
   * The ids that the workload has on the host. `caller`: those of whoever started it. `drop`: openshell runs as root
   * and gives up its ids for an unused one, or for the one that `--user` named.
   */
  readonly host:
    | { readonly kind: 'caller'; readonly uid: number; readonly gid: number }
    | { readonly kind: 'drop'; readonly uid: number | 'unused'; readonly gid: number | 'unused' };
  readonly userName: string;
  readonly groupName: string;
  readonly home: string;
}

export interface Namespaces {
  readonly user: boolean;
  readonly mount: boolean;
  readonly pid: boolean;
  readonly ipc: boolean;
  readonly uts: boolean;
  readonly cgroup: boolean;
  readonly network: boolean;
  readonly hostname: string;
}

/** One row of the private root, in the order in which it is made. Paths are absolute and canonical. */
export type Mount =
  | {
      readonly kind: 'bind';
      readonly source: string;
      readonly target: string;
      readonly writable: boolean;
      /** Device files in it work. */
      readonly devices: boolean;
      /** A directory kept for the sandbox alone (`--home`): mount points may be made in it. */
      readonly kept: boolean;
      /** The owner of `source` on disk, who is shown as the workload's own user (idmapped mount); null: no mapping. */
      readonly idmapOwner: { readonly uid: number; readonly gid: number } | null;
      readonly origin: Origin;
    }
  | {
      /** An empty directory in the one private file system of the sandbox, whose size `limits.disk` bounds. */
      readonly kind: 'private';
      readonly target: string;
      readonly writable: boolean;
      readonly mode: number;
      readonly origin: Origin;
    }
  | { readonly kind: 'proc' | 'devpts'; readonly target: string; readonly origin: Origin }
  | {
      readonly kind: 'file';
      readonly target: string;
      readonly content: string;
      /** What a run puts in the place of `content`: it is made for that run. */
      readonly filled?: TrustFile;
      readonly mode: number;
      readonly origin: Origin;
    }
  | { readonly kind: 'symlink'; readonly target: string; readonly link: string; readonly origin: Origin };

export interface LandlockPlan {
  /** The ABI that the plan was made for; the launcher refuses a kernel with a lower one. */
  readonly abi: number;
  readonly handledFs: number;
  readonly handledNet: number;
  readonly scoped: number;
  readonly rows: readonly LandlockRow[];
}

export interface LandlockRow {
  /** Inside the private root; in the `platform` tier of the host. Relative: below the scratch directory of the run. */
  readonly path: string;
  /** LANDLOCK_ACCESS_FS_* bits; those that only directories have are dropped for a file. */
  readonly access: number;
  readonly origin: Origin;
}

export interface SeccompPlan {
  /** Instructions of the one filter that init and everything below it runs under. */
  readonly program: readonly BpfInstruction[];
  /** What the warden does with a notification: the first row that fits decides. */
  readonly notify: readonly NotifyRow[];
  /** For people: what each rule is about, so that an event can name it. */
  readonly rules: readonly SeccompRule[];
}

/** struct sock_filter. */
export interface BpfInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

export const NOTIFY_HANDLERS = [
  'refuse',
  'own_thread',
  'connect',
  'bind',
  'listen',
  'epoll',
  'interface',
  'netlink',
  'datagram',
  'socket',
  'receive',
  'signal',
  'attributes',
  'watch',
] as const;
export type NotifyHandler = (typeof NOTIFY_HANDLERS)[number];

export interface NotifyRow {
  /** AUDIT_ARCH_* value, or null for any. */
  readonly arch: number | null;
  /** System call number, or null for any. */
  readonly nr: number | null;
  /** All must be answered yes; at most `MAX_QUESTIONS` (wire.ts). */
  readonly questions: readonly NotifyQuestion[];
  /** For `own_thread`: the argument that names the thread. */
  readonly thread: number | null;
  readonly handler: NotifyHandler;
  /** Positive errno that `refuse` answers, and `own_thread` for a thread that is not the caller's own. */
  readonly errno: number;
  /** Index into `rules`. */
  readonly rule: number;
}

/** Whether `(argument & mask) == value`; masks and values are below 2^32. */
export interface NotifyQuestion {
  readonly index: number;
  readonly mask: number;
  readonly value: number;
}

export interface SeccompRule {
  /** Stable name, as `ptrace`, `socket_family`, `foreign_abi`. */
  readonly name: string;
  readonly reason: string;
  /** Line of the policy that shaped it (process.netlink, process.seccomp), or null. */
  readonly line: number | null;
  /** Programs probe for it and fall back: recorded, but not printed while they run. */
  readonly quiet: boolean;
}

export interface Rlimit {
  /** RLIMIT_* number. */
  readonly resource: number;
  readonly name: string;
  readonly soft: number | 'unlimited';
  readonly hard: number | 'unlimited';
  /** On top of what the user's processes use when the sandbox starts. */
  readonly above?: boolean;
}

export interface LimitLines {
  readonly processes: number | null;
  readonly memory: number | null;
  readonly cpuTime: number | null;
  readonly wallTime: number | null;
}

export interface SandboxLimits {
  /** Processes and threads. */
  readonly processes: number;
  /** `warden`: RLIMIT_NPROC would count what others do, so the warden counts, and ends the sandbox. */
  readonly processesBy: 'rlimit' | 'warden';
  /** Bytes, or null. */
  readonly memory: number | null;
  /** Milliseconds of CPU time of all processes together, or null. */
  readonly cpuTime: number | null;
  /** Milliseconds, or null. */
  readonly wallTime: number | null;
  /** Lines of the policy file that set them, or null. */
  readonly lines: LimitLines;
  /** Bytes in private directories, or null for the default size of each. */
  readonly disk: number | null;
  /** How memory and CPU time are held: by a cgroup v2 that was delegated to the caller, or counted by the warden. */
  readonly holder: { readonly kind: 'cgroup'; readonly parent: string } | { readonly kind: 'warden' };
}

export interface EnvironmentEntry {
  readonly name: string;
  /** Null: the caller's own value, or the one that `--env` gives, when there is one. */
  readonly value: string | null;
  /** The value is this path below the run's scratch directory. */
  readonly scratch?: string;
  /** The value is a placeholder that each run makes for itself: never the caller's own value. */
  readonly credential?: true;
}

/** Directories that each run in the `platform` tier has for itself, in place of private mounts. */
export const SCRATCH_DIRECTORIES = ['home', 'tmp'] as const;

export type NetworkMode = 'proxy' | 'block' | 'allow';

export interface EgressTable {
  readonly mode: NetworkMode;
  /** Port of the explicit proxy on 127.0.0.1 inside. */
  readonly proxyPort: number;
  /** When the addresses of names are resolved: at each use, or once, at the start. */
  readonly pin: 'connect' | 'start';
  readonly policies: readonly EgressPolicy[];
  /** Names of the routes of inference.local; absent: there is no such host. */
  readonly inference?: readonly string[];
}

export interface EgressPolicy {
  readonly key: string;
  readonly name: string;
  readonly index: number;
  readonly line: number | null;
  readonly binaries: readonly EgressBinary[];
  readonly endpoints: readonly EgressEndpoint[];
}

export interface EgressBinary {
  /** Exact path or glob with separator `/`. */
  readonly pattern: string;
  /** Further exact path: what `pattern` points at when it is a symbolic link on this host. */
  readonly resolved: string | null;
  readonly ancestors: boolean;
  readonly sha256: string | null;
}

export interface EgressEndpoint {
  readonly index: number;
  readonly line: number | null;
  /** Lower case: a name, a pattern, a canonical address, or '' for any host inside `allowedIps`. */
  readonly host: string;
  readonly hostKind: 'name' | 'pattern' | 'address' | 'any';
  readonly ports: readonly number[];
  readonly allowedIps: readonly string[];
  /** Nothing that is for the one is for the other. */
  readonly transport: Transport;
  /** Null: its connections are never opened. */
  readonly inspection: EndpointInspection | null;
}

export type InspectedProtocol = 'rest' | 'websocket' | 'graphql' | 'json-rpc' | 'mcp' | 'grpc';

/** How the requests of an endpoint are read, and which of them it allows. */
export interface EndpointInspection {
  readonly protocol: InspectedProtocol;
  /** TLS is ended at the proxy wherever a client begins it. */
  readonly tls: 'terminate';
  /** What becomes of a request that no rule allows: refused, or told of and sent. */
  readonly enforcement: 'enforce' | 'audit';
  /** `%2F` may stand in a path. */
  readonly allowEncodedSlash: boolean;
  /** Glob of the paths that the endpoint is about; null: all. */
  readonly path: string | null;
  /** About the head of a request. */
  readonly allow: readonly RequestRule[];
  readonly deny: readonly RequestRule[];
  /** About what its body or its messages ask for; null: the head says all. */
  readonly messages: MessageRules | null;
  /** What requests may have in the place of placeholders; null: no placeholder may be sent there. */
  readonly credential: EndpointCredential | null;
}

/** The binding of a provider to an endpoint. Its values are no part of a plan. */
export interface EndpointCredential {
  readonly provider: string;
  /** Lower case: headers, besides Authorization, in which placeholders are replaced. */
  readonly headers: readonly string[];
  /** Placeholders are replaced in the bodies of requests. */
  readonly bodies: boolean;
  /** Placeholders are replaced in the text messages of clients. */
  readonly websocket: boolean;
  /** Requests without TLS get it too. */
  readonly cleartext: boolean;
  /** What cannot be read (encoded bodies, binary frames) may pass, and so may placeholders in bodies that are not rewritten. */
  readonly uninspected: boolean;
  readonly signing: RequestSigning | null;
}

/** AWS Signature Version 4. */
export interface RequestSigning {
  /** `automatic`: as the client had hashed it. */
  readonly payload: 'automatic' | 'signed' | 'unsigned';
  readonly service: string;
  /** Null: the host says it. */
  readonly region: string | null;
}

export interface RequestRule {
  /** Place in `rules` or `deny_rules`; null: it stands for `access`, or for an endpoint that judges no requests. */
  readonly index: number | null;
  readonly line: number | null;
  /** Upper case, `*` for any; `WEBSOCKET_TEXT` for a text message of a client. */
  readonly method: string;
  /** Glob with separator `/`. */
  readonly path: string;
  /** Allow: every value of each must match. Deny: one value of each. */
  readonly query: readonly QueryMatch[];
}

export interface QueryMatch {
  readonly name: string;
  /** Globs with separator `.`. */
  readonly anyOf: readonly string[];
}

export type Transport = 'tcp' | 'udp';

/** Whether connections to some endpoint are opened, so that programs inside have to trust the sandbox's authority. */
export const hasInspection = ({ mode, policies, inference }: EgressTable): boolean =>
  mode === 'proxy' &&
  (inference !== undefined ||
    policies.some(({ endpoints }) => endpoints.some(({ inspection }) => inspection !== null)));

/** Whether some endpoint is for datagrams. */
export const hasDatagrams = ({ policies }: EgressTable): boolean =>
  policies.some(({ endpoints }) => endpoints.some(({ transport }) => transport === 'udp'));

export type LayerName =
  | 'filesystem'
  | 'landlock'
  | 'processes'
  | 'syscalls'
  | 'network'
  | 'memory'
  | 'cpu'
  | 'disk';
export type LayerState = 'enforced' | 'partial' | 'off';

export interface LayerReport {
  readonly layer: LayerName;
  readonly state: LayerState;
  /** How it is held, or why it is not; a sentence. */
  readonly detail: string;
  /** A required layer that is not enforced stops the launch unless degraded runs are accepted. */
  readonly required: boolean;
}
