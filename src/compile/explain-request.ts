/** Whether a plan lets a program send a request: first whether it may connect, then what the endpoint's rules say. */
import { err, ok, type Result } from '../base/result.ts';
import { requestFacts } from '../inspect/request-facts.ts';
import { decide, decideForAny } from '../match/decide.ts';
import { decideRequest, decideRequestForAny } from '../match/decide-request.ts';
import { buildIndex } from '../match/egress-index.ts';
import { type Host, normaliseHost } from '../match/host.ts';
import { isInspected } from '../match/inspected.ts';
import type { RuleReference } from '../match/verdict.ts';
import type { EgressTable } from '../plan/plan.ts';
import { pretendedProgram } from './explain-connect.ts';

export interface RequestAnswer {
  /** `audit`: no rule allows it, and it is sent all the same. */
  readonly verdict: 'allow' | 'audit' | 'deny';
  readonly rule: RuleReference | null;
  /** A clause. */
  readonly why: string;
}

export interface AskedRequest {
  readonly method: string;
  /** http or https, without user information and fragment. */
  readonly url: string;
  /** Null: whatever program some policy names. Its content is not looked at: a pinned hash is taken as met. */
  readonly binary: string | null;
}

const URL_FORM = /^(https?):\/\/(?:\[([^\]/?#]+)\]|([^:/?#@[\]]+))(?::(\d{1,5}))?([/?][^#]*)?$/i;

/** Errors are clauses that follow the request. */
export function explainRequest(
  table: EgressTable,
  { method, url, binary }: AskedRequest,
): Result<RequestAnswer, string> {
  const destination = destinationOf(url);
  if (!destination.ok) return destination;
  const { host, port, target } = destination.value;
  if (table.mode === 'allow')
    return ok({ verdict: 'allow', rule: null, why: "`--network allow`: the host's network is not mediated" });
  const index = buildIndex(table);
  const to = { host, port };
  const identity = binary === null ? null : pretendedProgram(table, binary);
  const connection = identity === null ? decideForAny(index, to) : decide(index, { ...to, identity });
  if (connection.kind === 'deny')
    return ok({ verdict: 'deny', rule: connection.rule, why: connection.message });
  const { candidates } = connection;
  if (!isInspected(candidates)) {
    const [{ rule, policyName }] = candidates;
    const why = `network policy \`${policyName}\` lists ${host.text}:${port}, and no endpoint there looks at requests`;
    return ok({ verdict: 'allow', rule, why });
  }
  const facts = requestFacts({ method, target });
  if (!facts.ok) return ok({ verdict: 'deny', rule: null, why: facts.error.detail });
  const asked = { ...to, facts: facts.value };
  const verdict =
    identity === null ? decideRequestForAny(index, asked) : decideRequest(index, { ...asked, identity });
  if (verdict.kind === 'allow')
    return ok({
      verdict: 'allow',
      rule: verdict.rule,
      why: `a rule of network policy \`${verdict.selected.policyName}\` allows it`,
    });
  if (verdict.kind === 'unread')
    return err(
      `is judged by what its body asks for (protocol ${verdict.reading.kind}), which is not part of the question`,
    );
  const { kind, rule, message } = verdict;
  return ok({
    verdict: kind,
    rule,
    why: kind === 'audit' ? `${message}; it is sent all the same (\`enforcement: audit\`)` : message,
  });
}

function destinationOf(url: string): Result<{ host: Host; port: number; target: string }, string> {
  const match = URL_FORM.exec(url);
  if (match === null) return err('is no http or https URL');
  const [, scheme, v6, name, digits, rest = '/'] = match;
  const host = normaliseHost(v6 ?? name!);
  if (!host.ok) return err(`has a host that ${host.error}`);
  const port =
    digits === undefined ? DEFAULT_PORTS[scheme!.toLowerCase() as 'http' | 'https'] : Number(digits);
  if (port < 1 || port > 65_535) return err('has a port outside 1 to 65535');
  return ok({ host: host.value, port, target: rest.startsWith('/') ? rest : `/${rest}` });
}

const DEFAULT_PORTS = { http: 80, https: 443 } as const;
