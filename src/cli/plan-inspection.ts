/** How the requests of an endpoint are judged, as lines below it: deny rules first, as they are asked. */
import type { EndpointInspection, RequestRule } from '../plan/plan.ts';
import type { Line } from './plan-line.ts';

export function inspectionLines(inspection: EndpointInspection): Line[] {
  const { protocol, enforcement, allowEncodedSlash, path, allow, deny } = inspection;
  const head = [
    `requests are read as ${protocol}`,
    'TLS ends at the proxy',
    enforcement === 'enforce' ? 'what no rule allows is refused' : 'what no rule allows is told of and sent',
    ...(path === null ? [] : [`for paths ${path}`]),
    ...(allowEncodedSlash ? ['%2F may stand in paths'] : []),
  ].join(', ');
  return [
    { text: `  ${head}`, enforced: `  ${head}` },
    ...deny.map((rule) => ruleLine('deny', rule)),
    ...allow.map((rule) => ruleLine('allow', rule)),
  ];
}

function ruleLine(verdict: 'allow' | 'deny', { method, path, query, line }: RequestRule): Line {
  const parameters = query.map(({ name, anyOf }) => `${name}=${anyOf.join('|')}`).join('&');
  const enforced = `  ${verdict} ${method} ${path}${parameters === '' ? '' : `?${parameters}`}`;
  return { text: line === null ? enforced : `${enforced}  line ${line}`, enforced };
}
