/** Where an endpoint leads: host, ports, and the addresses in which the host must lie. */
import type { Cidr } from '../base/address.ts';
import { blockOf, neverReached, overlaps, parseAddress, parseBlock } from './address.ts';
import type { Read } from './fields.ts';
import type { TextRead } from './file-path.ts';
import { type Host, readHost } from './host.ts';
import { type Issues, type Place, quoted } from './issues.ts';
import type { At, Endpoint } from './policy.ts';
import type { ENDPOINT } from './schema-network.ts';

export type EndpointRead = Read<typeof ENDPOINT>;

export type Destination = Pick<Endpoint, 'host' | 'hostKind' | 'ports' | 'allowedIps'>;

/** Null when it leads nowhere; reported. */
export function checkDestination(read: EndpointRead, issues: Issues): Destination | null {
  const place = headOf(read);
  const networks = checkNetworks(read, issues);
  const host = checkHost(read, place, issues);
  const ports = checkPorts(read, place, issues);
  if (host === null || ports === null) return null;
  if (host.hostKind === 'address') checkAddress(host.host, read.path, networks, issues);
  return { ...host, ports, allowedIps: networks.map(({ block, span }) => ({ value: block.text, span })) };
}

/** Where to point for something that is missing: the first key of the mapping. */
export function headOf(read: EndpointRead): Place {
  const [first] = read.value.keys.values();
  return { span: first ?? read.span, path: read.path };
}

function checkHost(
  read: EndpointRead,
  place: Place,
  issues: Issues,
): Pick<Endpoint, 'host' | 'hostKind'> | null {
  const { fields, keys } = read.value;
  const { host } = fields;
  const protocol = fields.protocol?.value ?? null;
  if (host === undefined && keys.has('host')) return null;
  if (host === undefined || host.value === '') {
    const needs = protocol === 'tcp' || protocol === 'mcp';
    if (!needs && keys.has('allowed_ips')) {
      return { host: { value: '', span: host?.span ?? read.span }, hostKind: 'any' };
    }
    const message = needs ? `\`protocol: ${protocol}\` needs a host` : 'the endpoint has no host';
    const hint = needs
      ? 'Write `host`.'
      : 'Write `host`; only an endpoint with `allowed_ips` may leave it out.';
    issues.report('host_missing', host ?? place, message, hint);
    return null;
  }
  const parsed = readHost(host.value);
  if (!parsed.ok) {
    issues.report(parsed.error.code, host, parsed.error.message, parsed.error.hint);
    return null;
  }
  if (protocol === 'tcp' && parsed.value.kind === 'address') {
    const message = '`protocol: tcp` needs a name, not an address';
    issues.report(
      'address_not_allowed',
      host,
      message,
      'Remove `protocol`: the connection is not opened without it either.',
    );
    return null;
  }
  noteSpelling(host, parsed.value, issues);
  return { host: { value: parsed.value.text, span: host.span }, hostKind: parsed.value.kind };
}

/** Letter case says nothing in a name; a dot at the end and another spelling of an address are worth a note. */
function noteSpelling(read: TextRead, host: Host, issues: Issues): void {
  if (read.value.toLowerCase() === host.text) return;
  issues.report('normalised', read, `${quoted(read.value)} is read as ${quoted(host.text)}`);
}

/** Sorted, unique. */
function checkPorts(read: EndpointRead, place: Place, issues: Issues): readonly number[] | null {
  const { fields, keys } = read.value;
  const list = fields.ports?.value ?? [];
  const seen = new Set<number>();
  for (const port of list) {
    if (seen.has(port.value))
      issues.report('repeated_value', port, `port ${port.value} stands in this list twice`);
    seen.add(port.value);
  }
  if (seen.size > 0 && fields.port !== undefined) {
    const message = '`port` is ignored, because `ports` is set too';
    issues.report('port_and_ports', fields.port, message, 'Write all ports under `ports`.');
  }
  if (seen.size === 0 && fields.port !== undefined) seen.add(fields.port.value);
  if (seen.size > 0) return [...seen].sort((a, b) => a - b);
  const wrong = (['port', 'ports'] as const).some((key) => keys.has(key) && fields[key] === undefined);
  if (wrong) return null;
  issues.report('port_missing', place, 'the endpoint has no port', 'Write `port: 443`, say.');
  return null;
}

interface Network {
  readonly block: Cidr;
  readonly span: At<string>['span'];
}

/** Shorter prefixes are broader than any private network. */
const BROAD = { 4: 16, 6: 32 } as const;

function checkNetworks(read: EndpointRead, issues: Issues): Network[] {
  const networks: Network[] = [];
  const seen = new Set<string>();
  for (const entry of read.value.fields.allowed_ips?.value ?? []) {
    const parsed = parseBlock(entry.value);
    if (parsed === null) {
      const hint = 'Write an address or a block such as `10.0.0.0/8` or `fd00::/8`.';
      issues.report('invalid_network', entry, `${quoted(entry.value)} is no address and no CIDR block`, hint);
      continue;
    }
    const { block, exact } = parsed;
    const never = neverReached(block);
    if (never !== null) {
      const message = `${quoted(entry.value)} covers ${never} addresses, which are never reached`;
      issues.report('special_network', entry, message, 'Write the blocks that the host really lies in.');
      continue;
    }
    if (!exact) {
      const message = `${quoted(entry.value)} has bits set to the right of its prefix; it is read as ${quoted(block.text)}`;
      issues.report('network_host_bits', entry, message);
    }
    if (block.bits < BROAD[block.family]) {
      const message = `${quoted(entry.value)} is very broad: it has ${addressCount(block)} addresses`;
      issues.report('broad_network', entry, message, 'Write the smallest blocks that do.');
    }
    if (seen.has(block.text))
      issues.report('repeated_value', entry, `${quoted(block.text)} stands in this list twice`);
    else networks.push({ block, span: entry.span });
    seen.add(block.text);
  }
  return networks;
}

const addressCount = ({ family, bits }: Cidr): string => `2^${(family === 4 ? 32 : 128) - bits}`;

function checkAddress(host: At<string>, path: string, networks: readonly Network[], issues: Issues): void {
  const own = blockOf(parseAddress(host.value)!);
  const place = { span: host.span, path: `${path}.host` };
  const never = neverReached(own);
  if (never !== null) {
    const message = `${quoted(host.value)} is a ${never} address of the host, which is never reached`;
    issues.report(
      'host_never_reached',
      place,
      message,
      'The operator can lead a name there with `--connect-to`.',
    );
  }
  if (networks.length === 0 || networks.some(({ block }) => overlaps(block, own))) return;
  const message = `${quoted(host.value)} lies outside the endpoint’s own \`allowed_ips\`, so it is never reached`;
  issues.report('host_outside_networks', place, message);
}
