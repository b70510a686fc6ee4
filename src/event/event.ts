/**
 * Events, version 1: one JSON line each. Fields are added, never changed (docs/events.md). Every refusal by a layer
 * that can report is counted in exactly one event (INV-04).
 */
import type { LayerReport, NetworkMode, Tier } from '../plan/plan.ts';

export const EVENT_VERSION = 1;

export type EventType = 'start' | 'decision' | 'denial' | 'exit' | 'degraded' | 'reload';
export type EventLayer = 'session' | 'egress' | 'names' | 'unix' | 'syscalls' | 'limits' | 'inference';

/** Why: the closed list of docs/events.md. */
export const REASONS = [
  'allowed',
  'started',
  'exited',
  'degraded',
  'policy_reloaded',
  'policy_invalid',
  'policy_quarantined',
  'network_off',
  'no_policies',
  'endpoint_not_listed',
  'binary_not_listed',
  'binary_changed',
  'identity_unavailable',
  'special_address',
  'address_not_listed',
  'control_plane_port',
  'name_not_resolved',
  'malformed_destination',
  'malformed_request',
  'request_too_large',
  'unsupported_scheme',
  'unsupported_protocol',
  'upstream_unreachable',
  'too_many_connections',
  'request_not_allowed',
  'request_denied_by_rule',
  'path_invalid',
  'query_invalid',
  'body_too_large',
  'graphql_invalid',
  'json_rpc_invalid',
  'mcp_invalid',
  'mcp_method_not_allowed',
  'mcp_version_unsupported',
  'mcp_version_not_allowed',
  'grpc_invalid',
  'guardrail_denied',
  'guardrail_failed',
  'credential_endpoint_mismatch',
  'credential_unavailable',
  'credential_not_placeable',
  'credential_cleartext',
  'datagram_not_allowed',
  'too_many_names',
  'unix_socket_not_listed',
  'syscall_not_allowed',
  'not_an_inference_call',
  'no_inference_route',
  'budget_exhausted',
  'too_many_calls',
  'memory_limit',
  'process_limit',
  'cpu_limit',
  'wall_time_limit',
] as const;
export type Reason = (typeof REASONS)[number];

export interface RuleReference {
  /** Key of the network policy, or name of the seccomp rule. */
  readonly policy: string;
  /** Index of the endpoint in the policy, or null. */
  readonly index: number | null;
  /** Line of the policy file, or null when no file holds it. */
  readonly line: number | null;
}

export interface ProcessReference {
  /** As the host counts it. */
  readonly pid: number;
  readonly exe: string;
  /** Hexadecimal, or null where nothing was hashed (refused system calls). */
  readonly sha256: string | null;
  /** Executables of the ancestors, nearest first. */
  readonly ancestors: readonly string[];
}

export type Subject =
  | {
      readonly kind: 'connect';
      readonly host: string;
      readonly port: number;
      readonly address: string | null;
      readonly via: 'connect' | 'forward' | 'direct' | 'datagram';
    }
  | {
      readonly kind: 'request';
      readonly method: string;
      readonly host: string;
      readonly port: number;
      readonly path: string;
      /** What it asks for by the names of its protocol, as `tools/call search`; absent: method and path say it. */
      readonly asked?: readonly string[];
    }
  | {
      readonly kind: 'syscall';
      readonly name: string;
      readonly arch: string;
      readonly args: readonly string[];
      readonly errno: string;
    }
  | {
      /** A request to inference.local. */
      readonly kind: 'inference';
      readonly method: string;
      readonly path: string;
      /** Of the call; null: it is none. */
      readonly protocol: string | null;
      /** The model that the client named; null: none, or it was not read. */
      readonly model: string | null;
      /** The route that answered, or was asked last; null: none. */
      readonly route: string | null;
      /** HTTP status of the answer; null: the client left before there was one. */
      readonly status: number | null;
      /** Null: none were used. `estimated`: the provider did not tell them. */
      readonly tokens: {
        readonly input: number;
        readonly output: number;
        readonly estimated: boolean;
      } | null;
      /** From the head of the request to the end of the answer, in milliseconds. */
      readonly ms: number;
    }
  | { readonly kind: 'limit'; readonly limit: string; readonly value: number }
  | {
      readonly kind: 'run';
      readonly command: readonly string[];
      readonly tier: Tier;
      readonly network: NetworkMode;
      readonly report: readonly LayerReport[];
    }
  | { readonly kind: 'name'; readonly name: string; readonly query: string }
  | { readonly kind: 'unix'; readonly path: string }
  /** Refusals that differ, folded into one since too many came at once: `count` says how many; `of`: their kind. */
  | { readonly kind: 'many'; readonly of: string }
  | { readonly kind: 'degraded'; readonly detail: string }
  | {
      readonly kind: 'policy';
      /** As it was named. */
      readonly file: string;
      /** Of the text that was taken, hexadecimal; null: none was. */
      readonly sha256: string | null;
      /** Of the policy that holds now; that of the start is 1. */
      readonly generation: number;
      /** Connections that it put an end to, and processes that had to be ended with theirs. */
      readonly closed: number;
      readonly killed: number;
      /** Connections that could not be ended: the sandbox was, for them. */
      readonly surviving: number;
      /** Sections that changed and wait for the next start. */
      readonly pending: readonly string[];
    }
  | {
      readonly kind: 'exit';
      readonly code: number;
      readonly signal: string | null;
      readonly denials: number;
    };

export interface OpenshellEvent {
  readonly v: typeof EVENT_VERSION;
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string;
  /** From 1, without gaps, within one sandbox. */
  readonly seq: number;
  readonly sandbox: string;
  readonly type: EventType;
  readonly layer: EventLayer;
  readonly action: 'allow' | 'deny' | 'audit';
  readonly reason: Reason;
  readonly rule: RuleReference | null;
  readonly subject: Subject;
  readonly process: ProcessReference | null;
  /** How many equal refusals within one second it stands for. */
  readonly count: number;
}

/** An event before the sink gives it its time, number and sandbox. */
export type Draft = Omit<OpenshellEvent, 'v' | 'time' | 'seq' | 'sandbox'>;
