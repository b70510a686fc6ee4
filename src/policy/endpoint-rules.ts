/** Which of `access`, `rules` and `deny_rules` an endpoint has and needs. */
import { type EndpointRead, headOf } from './destination.ts';
import type { Issues } from './issues.ts';
import { checkRules, type RuleContext, type RuleProtocol } from './l7-rules.ts';
import type { At, Endpoint, Protocol } from './policy.ts';

export type RulesOfEndpoint = Pick<Endpoint, 'rules' | 'denyRules'>;

export function checkEndpointRules(
  read: EndpointRead,
  protocol: At<Protocol> | null,
  issues: Issues,
): RulesOfEndpoint {
  const { fields, keys } = read.value;
  const inspected = ruleProtocol(protocol);
  if (!keys.has('protocol')) refuseDenyWithoutProtocol(read, issues);
  if (inspected === null) return { rules: null, denyRules: null };
  checkPresence(read, inspected, issues);
  const context = (kind: RuleContext['kind']): RuleContext => ({
    protocol: inspected,
    kind,
    encodedSlash: fields.allow_encoded_slash?.value ?? false,
    allowAllKnownMethods: fields.mcp?.value.fields.allow_all_known_mcp_methods?.value ?? false,
    strictToolNames: fields.mcp?.value.fields.strict_tool_names?.value ?? true,
  });
  const allow = fields.rules?.value.flatMap((entry) => entry.value.fields.allow ?? []);
  return {
    rules: allow === undefined ? null : checkRules(allow, context('allow'), issues),
    denyRules:
      fields.deny_rules === undefined ? null : checkRules(fields.deny_rules.value, context('deny'), issues),
  };
}

function ruleProtocol(protocol: At<Protocol> | null): RuleProtocol | null {
  return protocol === null || protocol.value === 'tcp' || protocol.value === 'udp' ? null : protocol.value;
}

function refuseDenyWithoutProtocol(read: EndpointRead, issues: Issues): void {
  const span = read.value.keys.get('deny_rules');
  if (span === undefined) return;
  const place = { span, path: `${read.path}.deny_rules` };
  const message = '`deny_rules` need a `protocol`: nothing says how the connection is read';
  issues.report('deny_without_base', place, message, 'Write `protocol: rest`, say, and `access` or `rules`.');
}

function checkPresence(read: EndpointRead, protocol: RuleProtocol, issues: Issues): void {
  const { fields, keys } = read.value;
  const hasRules = keys.has('rules');
  const access = keys.get('access');
  const atAccess = { span: access ?? read.span, path: `${read.path}.access` };
  if (access !== undefined && (protocol === 'json-rpc' || protocol === 'mcp')) {
    const hint =
      protocol === 'mcp'
        ? 'Set `mcp: {allow_all_known_mcp_methods: true}`, or write rules.'
        : 'Write rules; `method: "*"` is every method.';
    issues.report('option_not_allowed', atAccess, `\`access\` is not for \`protocol: ${protocol}\``, hint);
  } else if (protocol === 'grpc' && fields.access !== undefined && fields.access.value !== 'full') {
    const message = `\`access: ${fields.access.value}\` says nothing about gRPC: its methods do not tell reading from writing`;
    issues.report('option_not_allowed', fields.access, message, 'Write `access: full`, or rules.');
  }
  if (hasRules && access !== undefined) {
    issues.report('exclusive_keys', atAccess, '`access` and `rules` exclude each other', 'Keep one of them.');
  }
  const everything =
    protocol === 'mcp' && fields.mcp?.value.fields.allow_all_known_mcp_methods?.value === true;
  if (hasRules || access !== undefined || everything) return;
  const denied = keys.get('deny_rules');
  if (denied !== undefined && protocol !== 'mcp' && keys.has('protocol')) {
    const place = { span: denied, path: `${read.path}.deny_rules` };
    const message =
      '`deny_rules` stand alone: without `rules` or `access` nothing is allowed that they could cut from';
    issues.report('deny_without_base', place, message, 'Write `access` or `rules` too.');
    return;
  }
  const place = { span: keys.get('protocol') ?? headOf(read).span, path: read.path };
  const hint =
    protocol === 'mcp'
      ? 'Write `rules`, or set `mcp: {allow_all_known_mcp_methods: true}`.'
      : protocol === 'json-rpc'
        ? 'Write `rules`.'
        : 'Write `access: read-only`, say, or `rules`.';
  issues.report('rules_missing', place, `\`protocol: ${protocol}\` allows nothing without rules`, hint);
}
