/** Builders of inspected endpoints and of requests for tests. */
import { requestFacts } from '../../src/inspect/request-facts.ts';
import type { RequestFacts } from '../../src/match/request-facts.ts';
import type { EgressEndpoint, EndpointInspection, RequestRule } from '../../src/plan/plan.ts';
import { endpoint } from './tables.ts';

/** `METHOD path?name=glob&name=glob|glob`. */
export function rule(text: string, more: Partial<RequestRule> = {}): RequestRule {
  const [method, target] = text.split(' ') as [string, string];
  const mark = target.indexOf('?n:');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query =
    mark < 0
      ? []
      : target
          .slice(mark + 3)
          .split('&')
          .map((part) => {
            const [name, globs] = part.split('=') as [string, string];
            return { name, anyOf: globs.split('|') };
          });
  return { index: 0, line: null, method, path, query, ...more };
}

/** Rules begin on line 100 (allow) and 200 (deny). */
export function inspected(
  to: string,
  allow: readonly string[],
  deny: readonly string[] = [],
  more: Partial<EndpointInspection> = {},
): EgressEndpoint {
  const inspection: EndpointInspection = {
    protocol: 'rest',
    tls: 'terminate',
    enforcement: 'enforce',
    allowEncodedSlash: false,
    path: null,
    allow: allow.map((text, index) => rule(text, { index, line: 100 + index })),
    deny: deny.map((text, index) => rule(text, { index, line: 200 + index })),
    messages: null,
    credential: null,
    ...more,
  };
  return endpoint(to, { inspection });
}

/** `METHOD target`. */
export function request(text: string): RequestFacts {
  const [method, target] = text.split(' ') as [string, string];
  const facts = requestFacts({ method, target });
  if (!facts.ok) throw new Error(`${text}: ${facts.error.detail}`);
  return facts.value;
}
