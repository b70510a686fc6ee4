/** Which options an endpoint may have, by its protocol. */
import type { EndpointRead } from './destination.ts';
import { alternatives, type Issues } from './issues.ts';
import type { Protocol } from './policy.ts';

type Option = keyof EndpointRead['value']['fields'];

interface OptionRow {
  readonly key: Option;
  readonly protocols: readonly Protocol[];
  /** What it is elsewhere, on an inspected endpoint. */
  readonly elsewhere: 'option_not_allowed' | 'no_effect';
}

const HTTP: readonly Protocol[] = ['rest', 'websocket', 'graphql', 'json-rpc', 'mcp'];

const OPTIONS: readonly OptionRow[] = [
  { key: 'path', protocols: HTTP, elsewhere: 'option_not_allowed' },
  { key: 'allow_encoded_slash', protocols: HTTP, elsewhere: 'no_effect' },
  { key: 'websocket_credential_rewrite', protocols: ['websocket', 'rest'], elsewhere: 'option_not_allowed' },
  { key: 'request_body_credential_rewrite', protocols: ['rest'], elsewhere: 'option_not_allowed' },
  { key: 'credential_signing', protocols: HTTP, elsewhere: 'option_not_allowed' },
  { key: 'signing_service', protocols: HTTP, elsewhere: 'option_not_allowed' },
  { key: 'signing_region', protocols: HTTP, elsewhere: 'option_not_allowed' },
  { key: 'persisted_queries', protocols: ['graphql', 'websocket'], elsewhere: 'no_effect' },
  { key: 'graphql_persisted_queries', protocols: ['graphql', 'websocket'], elsewhere: 'no_effect' },
  { key: 'graphql_max_body_bytes', protocols: ['graphql', 'websocket'], elsewhere: 'no_effect' },
  { key: 'json_rpc', protocols: ['json-rpc'], elsewhere: 'option_not_allowed' },
  { key: 'mcp', protocols: ['mcp'], elsewhere: 'option_not_allowed' },
];

/** What may stand beside `protocol: tcp` and `udp`: nothing is read there that any other option could be about. */
const WITHOUT_READING: readonly Option[] = ['host', 'port', 'ports', 'protocol', 'allowed_ips', 'tls'];

/** Options that need requests to be read, whoever reads them: without a protocol a bound credential does. */
const NEED_REQUESTS: readonly Option[] = [
  'path',
  'allow_encoded_slash',
  'credential_signing',
  'signing_service',
  'signing_region',
];

export function checkOptions(
  read: EndpointRead,
  protocol: Protocol | null,
  inspected: boolean,
  issues: Issues,
): void {
  if (protocol === 'tcp' || protocol === 'udp') {
    checkStream(read, protocol, issues);
    return;
  }
  for (const { key, protocols, elsewhere } of OPTIONS) {
    const span = read.value.keys.get(key);
    if (span === undefined || (protocol !== null && protocols.includes(protocol))) continue;
    const place = { span, path: `${read.path}.${key}` };
    const hint = `It belongs to ${alternatives(protocols.map((name) => `protocol: ${name}`))}.`;
    if (protocol !== null) {
      const verb = elsewhere === 'no_effect' ? 'has no effect with' : 'is not for';
      issues.report(elsewhere, place, `\`${key}\` ${verb} \`protocol: ${protocol}\``, hint);
    } else if (!NEED_REQUESTS.includes(key)) {
      issues.report(elsewhere, place, `\`${key}\` says nothing without a \`protocol\``, hint);
    } else if (!inspected && !key.startsWith('signing_')) {
      const message = `\`${key}\` has no effect: the connection is not opened, so every request to the host is allowed`;
      issues.report('no_effect', place, message, 'Write `protocol: rest`, say, with `access` or `rules`.');
    }
  }
  checkEnforcement(read, protocol, inspected, issues);
  checkRewrites(read, protocol, issues);
}

function checkStream(read: EndpointRead, protocol: 'tcp' | 'udp', issues: Issues): void {
  for (const [key, span] of read.value.keys) {
    if (WITHOUT_READING.includes(key as Option)) continue;
    const place = { span, path: `${read.path}.${key}` };
    if (key === 'allow_uninspected_credentials') {
      issues.report('no_effect', place, `\`${key}\` has no effect with \`protocol: ${protocol}\``);
      continue;
    }
    if (!(key in read.value.fields)) continue;
    const message = `\`${key}\` cannot stand beside \`protocol: ${protocol}\`: the connection is not read`;
    issues.report('option_not_allowed', place, message, 'Remove it, or name the protocol that is spoken.');
  }
  const tls = read.value.keys.get('tls');
  if (protocol === 'udp' && tls !== undefined) {
    issues.report(
      'no_effect',
      { span: tls, path: `${read.path}.tls` },
      '`tls` has no effect with `protocol: udp`',
    );
  }
}

function checkEnforcement(
  read: EndpointRead,
  protocol: Protocol | null,
  inspected: boolean,
  issues: Issues,
): void {
  const { enforcement } = read.value.fields;
  const span = read.value.keys.get('enforcement');
  if (protocol === 'sql') {
    const place = { span: read.value.keys.get('protocol') ?? read.span, path: `${read.path}.protocol` };
    issues.report(
      'not_inspected',
      place,
      '`protocol: sql` is valid here, but `openshell run` refuses it: statements are not read',
    );
    if (enforcement?.value !== 'enforce') return;
    const message = '`protocol: sql` cannot be enforced: statements are not read';
    issues.report(
      'option_not_allowed',
      enforcement,
      message,
      'Write `enforcement: audit`, or use `protocol: tcp`.',
    );
  } else if (!inspected && span !== undefined) {
    const place = { span, path: `${read.path}.enforcement` };
    issues.report(
      'no_effect',
      place,
      '`enforcement` has no effect here: there are no requests to judge, only connections',
    );
  } else if (protocol !== null && span === undefined) {
    const place = { span: read.value.keys.get('protocol') ?? read.span, path: read.path };
    const message =
      '`enforcement` is omitted: requests that no rule allows are refused (OpenShell would only record them)';
    issues.report(
      'enforcement_default',
      place,
      message,
      'Write `enforcement: enforce` or `enforcement: audit`.',
    );
  }
}

function checkRewrites(read: EndpointRead, protocol: Protocol | null, issues: Issues): void {
  const { fields } = read.value;
  const rewrite = fields.websocket_credential_rewrite;
  if (rewrite !== undefined && protocol === 'rest') {
    const message = '`websocket_credential_rewrite` belongs to `protocol: websocket` since OpenShell 0.1.8';
    issues.report(
      'option_deprecated',
      rewrite,
      message,
      'Write an endpoint of its own with `protocol: websocket`.',
    );
  }
}
