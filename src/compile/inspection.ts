/** How an endpoint's requests are read and judged; `access` is written out as the rules that it stands for. */
import type { EndpointInspection, InspectedProtocol, RequestRule } from '../plan/plan.ts';
import type { Endpoint, L7Rule } from '../policy/policy.ts';
import { endpointCredential } from './credentials.ts';
import { isAboutOperations, messageRulesOf } from './message-rules.ts';

type Access = NonNullable<Endpoint['access']>['value'];

/** Methods that each preset allows, on every path. Protocols without a row are judged by what they ask for. */
const PRESETS: Partial<Record<InspectedProtocol, Readonly<Record<Access, readonly string[]>>>> = {
  rest: {
    'read-only': ['GET', 'HEAD', 'OPTIONS'],
    'read-write': ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH'],
    full: ['*'],
  },
  websocket: { 'read-only': ['GET'], 'read-write': ['GET', 'WEBSOCKET_TEXT'], full: ['*'] },
};

const ANY_PATH = '**';

/** Null: connections to it are not opened. */
export function inspectionOf(endpoint: Endpoint): EndpointInspection | null {
  if (endpoint.inspectedBecause === null) return null;
  const protocol = endpoint.tlsSkip ? null : inspectedProtocol(endpoint);
  if (protocol === null) return null;
  return {
    protocol,
    tls: 'terminate',
    enforcement: endpoint.enforcement,
    allowEncodedSlash: endpoint.allowEncodedSlash,
    path: endpoint.path === null || endpoint.path.value === '' ? null : endpoint.path.value,
    allow: allowRules(endpoint, protocol),
    deny: headRules(endpoint.denyRules ?? [], protocol),
    messages: messageRulesOf(endpoint, protocol),
    credential: endpointCredential(endpoint),
  };
}

/** What only has a credential bound to it is opened to put that in: its requests are read as `rest`. */
function inspectedProtocol({ protocol }: Endpoint): InspectedProtocol | null {
  switch (protocol?.value) {
    case undefined:
      return 'rest';
    case 'tcp':
    case 'udp':
    case 'sql':
      return null;
    default:
      return protocol!.value;
  }
}

function allowRules(endpoint: Endpoint, protocol: InspectedProtocol): RequestRule[] {
  const { access, rules, inspectedBecause } = endpoint;
  if (rules !== null) return headRules(rules, protocol);
  if (access !== null) return everyPath(PRESETS[protocol]?.[access.value] ?? [], access.span.line);
  return endpoint.protocol === null ? everyPath(['*'], inspectedBecause!.span.line) : [];
}

const everyPath = (methods: readonly string[], line: number): RequestRule[] =>
  methods.map((method) => ({ index: null, line, method, path: ANY_PATH, query: [] }));

/** Rules about a request's head. */
function headRules(rules: readonly L7Rule[], protocol: InspectedProtocol): RequestRule[] {
  if (PRESETS[protocol] === undefined) return [];
  return rules
    .filter((rule) => !isAboutOperations(rule))
    .map(({ index, span, method, path, query }) => ({
      index,
      line: span.line,
      method: method ?? '*',
      path: path ?? ANY_PATH,
      query: query.map(({ name, matcher }) => ({ name, anyOf: matcher.anyOf })),
    }));
}
