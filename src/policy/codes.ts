/**
 * The codes of all complaints about a policy, or about a file of routes. A code keeps its meaning for ever; docs/policy-errors.md holds this
 * table, and a test compares the two.
 */
import type { Severity } from '../base/source.ts';

interface CodeRow {
  readonly severity: Severity;
  /** One line for docs/policy-errors.md. */
  readonly meaning: string;
}

const error = (meaning: string): CodeRow => ({ severity: 'error', meaning });
const warning = (meaning: string): CodeRow => ({ severity: 'warning', meaning });
const note = (meaning: string): CodeRow => ({ severity: 'note', meaning });

/** About files of routes, which `--inference` takes. */
export const ROUTE_CODES = {
  literal_secret: error('A secret is written down where only the place of one may stand.'),
  invalid_credential: error('The place of a credential cannot be read.'),
  cleartext_credential: error('A credential would go over a connection without TLS.'),
  invalid_endpoint: error('The URL of a provider cannot be read.'),
  invalid_header: error('A header cannot be set, or is set by openshell itself.'),
  protocol_not_spoken: error('A protocol does not belong to the kind of the provider.'),
  unknown_route: error('A route names another that does not exist, or itself.'),
  ambiguous_model: error('Two routes answer for the same model name in the same protocol.'),
} as const satisfies Record<string, CodeRow>;

export const ISSUE_CODES = {
  // The text
  text_too_large: error('The file is larger than 4 MiB.'),
  text_byte_order_mark: error('The file begins with a byte order mark.'),
  text_hidden_character: error('The text holds a character that hides or reorders what a reviewer sees.'),
  text_control_character: error('The text, or a value written with escapes, holds a control character.'),
  yaml_syntax: error('The text is not YAML.'),
  yaml_tab: error('A tab is used as indentation.'),
  yaml_empty: error('The document is empty.'),
  yaml_documents: error('The file holds more than one YAML document.'),
  yaml_directive: error('The file holds a YAML directive (`%YAML`, `%TAG`).'),
  yaml_tag: error('A value has a YAML tag (`!name`, `!!str`).'),
  yaml_key: error('A key is empty, or is not plain text.'),
  yaml_duplicate_key: error('A mapping has the same key twice.'),
  yaml_merge_key: error('A mapping has the merge key `<<`.'),
  yaml_alias: error('An alias (`*name`) has no anchor before it, or lies inside its own anchor.'),
  yaml_alias_limit: error(
    'Aliases are used more than 100 times, or make the document more than five times larger.',
  ),
  yaml_depth_limit: error('Lists and mappings are nested more than 64 deep.'),
  yaml_size_limit: error(
    'The document has more than 100,000 values, 4 MiB of text, or 10,000 entries in one place.',
  ),
  too_many_issues: error('The file has more errors than are shown.'),
  too_many_notes: note('The file has more warnings and notes than are shown.'),

  // Structure
  unknown_key: error('A key is not part of the policy language at this place.'),
  missing_key: error('A key that is needed here is missing.'),
  wrong_type: error('A value has another type than the key asks for.'),
  null_value: error('A value is `null`, or nothing stands after the key.'),
  empty_value: error('A text or list is empty where that says nothing.'),
  unknown_value: error('A value is none of the words that the key knows.'),
  out_of_range: error('A number is outside the range that the key allows.'),
  text_too_long: error('A text is longer than the key allows.'),
  too_many_items: error('A list or mapping has more entries than the key allows.'),
  invalid_quantity: error('A size or duration cannot be read.'),
  invalid_name: error('A name holds characters that names cannot have.'),
  duplicate_entry: error('A list that may hold each value once holds one twice.'),
  repeated_value: warning('A list holds the same value twice.'),
  no_effect: warning('A key is valid, but changes nothing here.'),
  normalised: note('A value is read in its canonical spelling.'),

  // Files
  path_relative: error(`A path does not begin with \`/\`, \`~/\` or \`\${WORKDIR}\`.`),
  path_traversal: error('A path holds `..`.'),
  path_variable: error('A path holds a variable that is not known, or at a place where none is expanded.'),
  root_writable: error('`/` is listed in `read_write`.'),
  too_many_paths: error('The section lists more than 256 paths.'),
  path_pattern: warning(
    'A path of the filesystem section holds `*` or `?`, which are taken literally there.',
  ),
  read_only_overruled: warning('A read_only path is also writable, because the two lists are a union.'),
  path_hidden: warning('A listed path is hidden by `deny`.'),

  // Process and limits
  invalid_identity: error(
    '`run_as_user` or `run_as_group` is neither `sandbox` nor a number from 1 to 4294967294.',
  ),
  relaxation: warning('`process.seccomp.allow` gives up a protection; the message says which.'),

  // Network policies
  reserved_key: error('A name is reserved for policies that a gateway composes.'),
  no_endpoints: warning('A network policy has no endpoints, so it allows nothing.'),
  no_binaries: warning('A network policy has no binaries, so nobody may use it.'),
  invalid_binary: error('The path of a binary can match no program.'),
  invalid_sha256: error('A `sha256` is not 64 hexadecimal digits.'),
  removed_key: warning('A key has no effect here and is refused by newer versions of OpenShell.'),

  // Endpoints
  host_missing: error('An endpoint has no host, and nothing else says where it leads.'),
  invalid_host: error(
    'A host is malformed: a scheme, a port, a path, an empty label, a character that names cannot have.',
  ),
  unusual_address: error('A host is an address in a form that programs read differently.'),
  invalid_host_pattern: error('A host pattern has a shape that is not supported.'),
  broad_host_pattern: error('A host pattern covers a whole top-level domain or more.'),
  address_not_allowed: error('`protocol: tcp` needs a name as host, not an address.'),
  host_never_reached: warning('The host is an address that is never reached.'),
  port_missing: error('An endpoint has no port.'),
  port_and_ports: warning('Both `port` and `ports` are set; `ports` counts.'),
  invalid_pattern: error('A pattern cannot be read.'),
  too_many_alternatives: error('The `{a,b}` of all patterns together expand to more than 2 MiB.'),
  pattern_never_matches: error('A pattern can match no canonical request path.'),
  pattern_dialect: note('OpenShell may read this pattern differently.'),
  protocol_implied: warning('Request rules without `protocol` are read as `protocol: rest`.'),
  deprecated_tls: warning(
    '`tls: terminate` and `tls: passthrough` are refused by newer versions of OpenShell.',
  ),
  tls_skip_inspected: error('`tls: skip` stands beside rules that need a look inside the connection.'),
  enforcement_default: note('`enforcement` is omitted: it is enforced here, OpenShell would only record.'),
  option_not_allowed: error('An option does not belong to the protocol of the endpoint.'),
  option_deprecated: warning('An option belongs to another protocol in newer versions of OpenShell.'),
  not_inspected: note(
    '`protocol: sql` is valid, but nothing can enforce it yet: `openshell run` refuses it.',
  ),
  exclusive_keys: error('Keys are set together that exclude each other.'),
  uninspected_credential: error('A credential is bound to a connection that cannot be inspected.'),
  invalid_network: error('An entry of `allowed_ips` is no address and no CIDR block.'),
  special_network: error('An entry of `allowed_ips` covers addresses that are never reached.'),
  broad_network: warning('An entry of `allowed_ips` is very broad.'),
  network_host_bits: warning('An entry of `allowed_ips` has bits set to the right of its prefix.'),
  host_outside_networks: warning('The host is an address outside its own `allowed_ips`.'),
  ambiguous_endpoints: error('Two endpoints that can match the same request say different things about it.'),
  ambiguity_unchecked: error('So many endpoints overlap that they cannot be compared.'),

  // Rules
  rules_missing: error('An endpoint has a protocol with rules, but neither rules nor `access`.'),
  deny_without_base: error('`deny_rules` stand alone: nothing is allowed that they could cut from.'),
  empty_rule: error('A rule says nothing.'),
  rule_field: error('A field of a rule does not belong to the protocol of the endpoint.'),
  unknown_method: error('A method is not known for the protocol.'),
  mixed_rule: error(
    'A WebSocket rule mixes transport fields and GraphQL fields, or stands beside one that rules it out.',
  ),
  invalid_tool: error('A tool selector can never match, or cannot be enforced.'),
  tool_overruled: error('A rule for single tools stands beside one that already allows every tool.'),
  any_operation: warning('`operation_type: "*"` is refused by newer versions of OpenShell.'),

  // Middlewares
  middleware_order: error('Two middlewares have the same order.'),
  middleware_tls_skip: error('A middleware that fails closed covers an endpoint with `tls: skip`.'),

  // Expectations
  invalid_expectation: error('An entry of `expect` cannot be read.'),
  unknown_rule: error('An entry of `expect` names a network policy that does not exist.'),

  ...ROUTE_CODES,
} as const satisfies Record<string, CodeRow>;

export type IssueCode = keyof typeof ISSUE_CODES;
