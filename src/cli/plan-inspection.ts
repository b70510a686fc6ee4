/** How the requests of an endpoint are judged, as lines below it: deny rules first, as they are asked. */
import type { CallRule, GrpcRule, MessageRules, OperationRule } from '../plan/messages.ts';
import type { EndpointCredential, EndpointInspection, RequestRule } from '../plan/plan.ts';
import type { Line } from './plan-line.ts';

export function inspectionLines(inspection: EndpointInspection): Line[] {
  const { protocol, enforcement, allowEncodedSlash, path, allow, deny, messages, credential } = inspection;
  const head = [
    `requests are read as ${protocol}`,
    'TLS ends at the proxy',
    enforcement === 'enforce' ? 'what no rule allows is refused' : 'what no rule allows is told of and sent',
    ...(path === null ? [] : [`for paths ${path}`]),
    ...(allowEncodedSlash ? ['%2F may stand in paths'] : []),
  ].join(', ');
  return [
    { text: `  ${head}`, enforced: `  ${head}` },
    ...(credential === null ? [] : [credentialLine(credential)]),
    ...deny.map((rule) => ruleLine('deny', headText(rule), rule.line)),
    ...allow.map((rule) => ruleLine('allow', headText(rule), rule.line)),
    ...(messages === null ? [] : messageLines(messages)),
  ];
}

function credentialLine(credential: EndpointCredential): Line {
  const { provider, headers, bodies, websocket, cleartext, uninspected, signing } = credential;
  const places = ['authorization', ...headers, 'path', 'query'];
  if (bodies) places.push('bodies');
  if (websocket) places.push('messages');
  const parts = [`  credential ${provider} in ${places.join(', ')}`];
  if (signing !== null)
    parts.push(
      `signs for ${signing.service}, payload ${signing.payload}, region ${signing.region ?? 'of the host'}`,
    );
  if (cleartext) parts.push('without TLS too');
  if (uninspected) parts.push('where it cannot be looked for too');
  const text = parts.join('; ');
  return { text, enforced: text };
}

function messageLines(messages: MessageRules): Line[] {
  const lines = <T extends { readonly line: number | null }>(
    { allow, deny }: { readonly allow: readonly T[]; readonly deny: readonly T[] },
    text: (rule: T) => string,
  ): Line[] => [
    ...deny.map((rule) => ruleLine('deny', text(rule), rule.line)),
    ...allow.map((rule) => ruleLine('allow', text(rule), rule.line)),
  ];
  switch (messages.kind) {
    case 'graphql':
      return lines(messages, operationText);
    case 'json-rpc':
    case 'mcp':
      return lines(messages, callText);
    case 'grpc':
      return lines(messages, serviceText);
  }
}

function ruleLine(verdict: 'allow' | 'deny', about: string, line: number | null): Line {
  const enforced = `  ${verdict} ${about}`;
  return { text: line === null ? enforced : `${enforced}  line ${line}`, enforced };
}

function headText({ method, path, query }: RequestRule): string {
  const parameters = query.map(({ name, anyOf }) => `${name}=${anyOf.join('|')}`).join('&');
  return `${method} ${path}${parameters === '' ? '' : `?${parameters}`}`;
}

const operationText = ({ type, name, fields }: OperationRule): string =>
  `${type === '*' ? 'operation' : type} ${name ?? '*'}${fields.length === 0 ? '' : ` { ${fields.join(' ')} }`}`;

const callText = ({ method, tools }: CallRule): string =>
  `method ${method ?? 'of the core'}${tools === null ? '' : tools.length === 0 ? ', no tool' : `, tool ${tools.join('|')}`}`;

const serviceText = ({ service, method }: GrpcRule): string => `service ${service}, method ${method}`;
