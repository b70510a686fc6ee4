/** One line for people about one refusal, and the key by which two are the same to them. */
import { hostPort } from '../base/host-port.ts';
import { formatDuration, formatSize } from '../base/quantity.ts';
import { onOneLine } from '../base/source.ts';
import type { OpenshellEvent } from './event.ts';

/** Refusals with equal keys are printed once. */
export function messageKey({ reason, rule, subject, process }: OpenshellEvent): string {
  const what =
    subject.kind === 'connect' || subject.kind === 'request'
      ? hostPort(subject.host, subject.port)
      : subject.kind === 'syscall'
        ? (rule?.policy ?? subject.name)
        : subject.kind === 'limit'
          ? subject.limit
          : subject.kind === 'name'
            ? subject.name
            : subject.kind === 'unix'
              ? subject.path
              : subject.kind === 'inference'
                ? (subject.route ?? subject.path)
                : subject.kind;
  return JSON.stringify([reason, what, process?.exe]);
}

/** As `refused: curl may not connect to example.com:443: … (policy.yaml:12)`. */
export function denialMessage(event: OpenshellEvent, policyFile: string | null): string {
  const { subject, process, rule, reason } = event;
  const who = process === null || process.exe === '' ? 'the program' : onOneLine(process.exe);
  const where = rule?.line != null && policyFile !== null ? ` (${onOneLine(policyFile)}:${rule.line})` : '';
  switch (subject.kind) {
    case 'connect': {
      const host = onOneLine(
        subject.host === '' ? 'an unreadable destination' : hostPort(subject.host, subject.port),
      );
      return `refused: ${who} may not connect to ${host}: ${REASON_TEXT[reason] ?? reason}${where}`;
    }
    case 'request': {
      const request = onOneLine(`${subject.method} ${hostPort(subject.host, subject.port)}${subject.path}`);
      return `refused: ${who} may not send ${shortened(request)}: ${REASON_TEXT[reason] ?? reason}${where}`;
    }
    case 'name':
      return `refused: the name ${onOneLine(subject.name)} was not looked up: ${REASON_TEXT[reason] ?? reason}${where}`;
    case 'unix':
      return `refused: ${who} may not connect to the Unix socket ${onOneLine(subject.path)}: ${REASON_TEXT[reason] ?? reason}${where}`;
    case 'syscall':
      return `refused: ${who} may not call ${subject.name} (${rule?.policy ?? reason}): ${subject.errno}${where}`;
    case 'limit':
      return `stopped: ${REASON_TEXT[reason] ?? reason} (${subject.limit} ${limitText(subject)})${where}`;
    case 'inference':
      return `refused: ${who} may not ask inference.local for ${onOneLine(`${subject.method} ${subject.path}`)}: ${REASON_TEXT[reason] ?? reason}`;
    case 'many':
      return `refused: more than can be told apart: ${REASON_TEXT[reason] ?? reason}${where}`;
    default:
      return `refused: ${reason}${where}`;
  }
}

const MAX_REQUEST = 160;
const shortened = (text: string): string =>
  text.length > MAX_REQUEST ? `${text.slice(0, MAX_REQUEST)}…` : text;

const limitText = ({ limit, value }: { limit: string; value: number }): string =>
  limit === 'memory' ? formatSize(value) : formatDuration(value);

const REASON_TEXT: Partial<Record<OpenshellEvent['reason'], string>> = {
  network_off: 'the network is off; `--allow HOST` opens one host',
  no_policies: 'the policy has no network_policies',
  endpoint_not_listed: 'no network policy lists it',
  binary_not_listed: 'the network policy does not list this program',
  syscall_not_allowed: 'system calls that are not allowed',
  binary_changed: 'the program changed after its first use',
  identity_unavailable: 'it could not be found out which program asks',
  special_address: 'its address is private or special',
  address_not_listed: 'its address is not in allowed_ips',
  control_plane_port: 'the port belongs to a control plane',
  malformed_destination: 'the destination is malformed',
  malformed_request: 'the request is malformed',
  request_too_large: 'the request is too large',
  unsupported_scheme: 'the proxy does not speak this scheme',
  unsupported_protocol: 'the proxy does not speak this protocol',
  too_many_connections: 'too many connections are open',
  name_not_resolved: 'the name has no address',
  upstream_unreachable: 'it does not answer',
  request_not_allowed: 'no rule of the endpoint allows it',
  request_denied_by_rule: 'a deny rule is about it',
  path_invalid: 'servers could read the path in different ways',
  query_invalid: 'servers could read the query in different ways',
  credential_endpoint_mismatch: 'it holds the placeholder of a credential that is not bound there',
  credential_unavailable: 'it holds a placeholder that stands for nothing, or whose token was not given',
  credential_not_placeable: 'it holds a placeholder where the policy puts no credential',
  credential_cleartext: 'it holds a placeholder and is sent without TLS',
  datagram_not_allowed: 'datagrams go to endpoints with `protocol: udp` only',
  too_many_names: 'too many names were looked up, or the name is too long for one that only a pattern lists',
  unix_socket_not_listed: 'it lies in no writable directory and the policy does not list it',
  not_an_inference_call: 'it is no call of a model',
  no_inference_route: 'no route answers for this model in this form',
  budget_exhausted: 'the route has used up its tokens',
  too_many_calls: 'too many calls are open',
  memory_limit: 'the memory limit was reached',
  process_limit: 'there were more processes and threads than the limit',
  cpu_limit: 'the CPU time limit was reached',
  wall_time_limit: 'the time limit was reached',
};
