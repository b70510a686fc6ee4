/**
 * A checked policy: the result of `parsePolicy` (check.ts), and of nothing else. It is frozen. Every value that a rule can name carries the
 * span at which it stands in the file, so that a verdict can point at its line.
 */
import type { Span } from '../base/source.ts';

export interface At<T> {
  readonly value: T;
  readonly span: Span;
}

export interface Policy {
  readonly version: 1;
  /** Null when the section is absent: the default policy's section applies (decisions: absent sections). */
  readonly filesystem: FilesystemSection | null;
  readonly landlock: { readonly compatibility: LandlockCompatibility };
  readonly process: ProcessSection;
  readonly network: readonly NetworkPolicy[];
  readonly middlewares: readonly Middleware[];
  readonly limits: Limits;
  readonly dns: { readonly pin: 'connect' | 'start' };
  readonly expect: readonly Expectation[];
}

export type LandlockCompatibility = 'best_effort' | 'hard_requirement';

export interface FilesystemSection {
  readonly span: Span;
  readonly includeWorkdir: boolean;
  readonly readOnly: readonly At<string>[];
  readonly readWrite: readonly At<string>[];
  /** Not visible at all, even below a listed path. */
  readonly deny: readonly At<string>[];
  /** Visible, never writable, cannot be renamed away; in addition to the built-in list. */
  readonly protect: readonly At<string>[];
}

export type NetlinkMode = 'deny' | 'enumerate' | 'route';

export const RELAXATIONS = [
  'memfd_exec',
  'pidfd',
  'io_uring',
  'ptrace_own',
  'userfaultfd',
  'keyring',
  'nested_filters',
] as const;
export type Relaxation = (typeof RELAXATIONS)[number];

export interface ProcessSection {
  /** `sandbox`, a decimal uid in 1..4294967294, or null: the caller's own. */
  readonly runAsUser: At<string> | null;
  readonly runAsGroup: At<string> | null;
  readonly netlink: At<NetlinkMode> | null;
  readonly seccompAllow: readonly At<Relaxation>[];
}

export interface Limits {
  readonly processes: At<number> | null;
  readonly openFiles: At<number> | null;
  /** Bytes. */
  readonly memory: At<number> | null;
  /** Milliseconds of CPU time, all processes together. */
  readonly cpuTime: At<number> | null;
  /** Milliseconds. */
  readonly wallTime: At<number> | null;
  /** Bytes in private writable directories, all together. */
  readonly disk: At<number> | null;
}

export interface NetworkPolicy {
  readonly key: string;
  /** For people; the key when the policy gives none. */
  readonly name: string;
  readonly span: Span;
  /** Order in the file, from 0. */
  readonly index: number;
  readonly endpoints: readonly Endpoint[];
  readonly binaries: readonly Binary[];
}

export interface Binary {
  readonly span: Span;
  /** An exact path, or a glob with separator `/`. */
  readonly path: string;
  /** Whether an ancestor process may match instead of the caller itself. */
  readonly ancestors: boolean;
  /** 64 lower-case hexadecimal digits: the only content that may match. */
  readonly sha256: string | null;
}

export const PROTOCOLS = [
  'tcp',
  'udp',
  'rest',
  'websocket',
  'graphql',
  'sql',
  'json-rpc',
  'mcp',
  'grpc',
] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export interface Endpoint {
  readonly span: Span;
  readonly index: number;
  /** Lower case, no trailing dot: a name, a host pattern, a canonical address, or '' (any host inside `allowedIps`). */
  readonly host: At<string>;
  readonly hostKind: 'name' | 'pattern' | 'address' | 'any';
  /** Sorted, unique, not empty. */
  readonly ports: readonly number[];
  /** Endpoint selector glob; '' selects every path. */
  readonly path: At<string> | null;
  /** Null: judged by host, port and binary only. */
  readonly protocol: At<Protocol> | null;
  readonly tlsSkip: boolean;
  readonly enforcement: 'enforce' | 'audit';
  readonly access: At<'read-only' | 'read-write' | 'full'> | null;
  readonly rules: readonly L7Rule[] | null;
  readonly denyRules: readonly L7Rule[] | null;
  /** Canonical CIDR blocks, as `10.0.0.0/8`. */
  readonly allowedIps: readonly At<string>[];
  readonly allowEncodedSlash: boolean;
  readonly websocketCredentialRewrite: boolean;
  readonly requestBodyCredentialRewrite: boolean;
  readonly allowUninspectedCredentials: boolean;
  readonly persistedQueries: 'deny' | 'allow_registered';
  readonly graphqlPersistedQueries: readonly PersistedQuery[];
  /** Bytes; null: the default of docs/limits.md. */
  readonly maxBodyBytes: number | null;
  readonly credentialSigning: At<'sigv4' | 'sigv4:body' | 'sigv4:no_body'> | null;
  readonly signingService: string | null;
  readonly signingRegion: string | null;
  readonly credentialBinding: CredentialBinding | null;
  readonly mcp: McpOptions | null;
  /**
   * The first thing in this endpoint that needs a look inside the connection, or null: such an endpoint is never
   * opened (decisions: "Inspected").
   */
  readonly inspectedBecause: At<string> | null;
}

export interface CredentialBinding {
  readonly provider: string;
  readonly span: Span;
  /** Lower case, unique; Authorization is none of them. */
  readonly headers: readonly string[];
  readonly cleartext: boolean;
}

export interface McpOptions {
  readonly strictToolNames: boolean;
  readonly allowAllKnownMethods: boolean;
  readonly versions: readonly string[];
}

export interface PersistedQuery {
  readonly id: string;
  readonly operationType: string;
  readonly operationName: string | null;
  readonly fields: readonly string[];
}

/** A value matcher: one glob, or several of which any may match. */
export type ValueMatcher = { readonly anyOf: readonly string[] };

export interface QueryRule {
  readonly name: string;
  readonly matcher: ValueMatcher;
}

/** One allow or deny rule; which fields may be set depends on the protocol and is checked. */
export interface L7Rule {
  readonly span: Span;
  readonly index: number;
  readonly method: string | null;
  readonly path: string | null;
  /** By name of the parameter, in the order of the file. */
  readonly query: readonly QueryRule[];
  readonly operationType: string | null;
  readonly operationName: string | null;
  readonly fields: readonly string[];
  readonly tool: ValueMatcher | null;
  readonly command: string | null;
  /** grpc: `package.Service`, or a glob with separator `.`. */
  readonly service: string | null;
}

export interface Middleware {
  readonly key: string;
  readonly span: Span;
  readonly middleware: string;
  readonly order: number;
  readonly onError: 'fail_closed' | 'fail_open';
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** One of the policy's own examples, checked when it is loaded. */
export interface Expectation {
  readonly span: Span;
  readonly index: number;
  readonly subject:
    | {
        readonly kind: 'connect';
        readonly host: string;
        readonly port: number;
        readonly binary: string | null;
      }
    | { readonly kind: 'read' | 'write'; readonly path: string }
    | { readonly kind: 'syscall'; readonly call: string }
    | {
        readonly kind: 'request';
        readonly method: string;
        readonly url: string;
        readonly binary: string | null;
      };
  readonly verdict: 'allow' | 'deny';
  /** Key of the network policy that must decide, when named. */
  readonly rule: string | null;
}
