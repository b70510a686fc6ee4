/**
 * What is known about address blocks, as data. The longest prefix decides. Sources: the IANA special-purpose address
 * registries for IPv4 and IPv6 (RFC 6890 with its updates) and the public documentation of cloud providers.
 *
 * - `never`: no policy can open it; only `--connect-to` can (the operator vouches for that address).
 * - `private`: an exactly declared host or address may use it; patterns and hostless endpoints need `allowed_ips`.
 * - `public`: any endpoint may use it.
 *
 * Where the registry leaves doubt the stricter class is taken. Blocks with `embeds` carry an IPv4 address that is
 * judged too; the stricter of both classes holds.
 */
import { type Cidr, parseCidr } from '../base/address.ts';

export type AddressClass = 'never' | 'private' | 'public';

/** Where a block carries an IPv4 address: in its last 32 bits, behind the prefix (6to4), or as in Teredo. */
export type Embedding = 'last' | '6to4' | 'teredo';

export interface SpecialBlock {
  readonly block: Cidr;
  readonly name: string;
  readonly class: AddressClass;
  readonly source: string;
  readonly embeds: Embedding | null;
}

type Row = readonly [prefix: string, name: string, class_: AddressClass, source: string, embeds?: Embedding];

const ROWS: readonly Row[] = [
  ['0.0.0.0/0', 'public IPv4', 'public', 'RFC 791'],
  ['0.0.0.0/8', 'this network, unspecified', 'never', 'RFC 791'],
  ['10.0.0.0/8', 'private use', 'private', 'RFC 1918'],
  ['100.64.0.0/10', 'shared address space', 'private', 'RFC 6598'],
  ['100.100.100.200/32', 'cloud metadata (Alibaba)', 'never', 'Alibaba Cloud'],
  ['127.0.0.0/8', 'loopback', 'never', 'RFC 1122'],
  ['168.63.129.16/32', 'cloud metadata (Azure)', 'never', 'Azure'],
  ['169.254.0.0/16', 'link-local', 'never', 'RFC 3927'],
  ['169.254.169.254/32', 'cloud metadata', 'never', 'AWS, Azure, Google Cloud, Oracle'],
  ['169.254.170.2/32', 'cloud metadata (AWS ECS)', 'never', 'AWS'],
  ['169.254.170.23/32', 'cloud metadata (AWS EKS)', 'never', 'AWS'],
  ['169.254.42.42/32', 'cloud metadata (Scaleway)', 'never', 'Scaleway'],
  ['172.16.0.0/12', 'private use', 'private', 'RFC 1918'],
  ['192.0.0.0/24', 'IETF protocol assignments', 'private', 'RFC 6890'],
  ['192.0.0.192/32', 'cloud metadata (Oracle)', 'never', 'Oracle Cloud'],
  ['192.0.2.0/24', 'documentation', 'private', 'RFC 5737'],
  ['192.31.196.0/24', 'AS112', 'public', 'RFC 7535'],
  ['192.52.193.0/24', 'AMT', 'public', 'RFC 7450'],
  ['192.88.99.0/24', '6to4 relay anycast, deprecated', 'private', 'RFC 7526'],
  ['192.168.0.0/16', 'private use', 'private', 'RFC 1918'],
  ['192.175.48.0/24', 'AS112', 'public', 'RFC 7534'],
  ['198.18.0.0/15', 'benchmarking', 'private', 'RFC 2544'],
  ['198.51.100.0/24', 'documentation', 'private', 'RFC 5737'],
  ['203.0.113.0/24', 'documentation', 'private', 'RFC 5737'],
  ['224.0.0.0/4', 'multicast', 'never', 'RFC 5771'],
  ['240.0.0.0/4', 'reserved', 'private', 'RFC 1112'],
  ['255.255.255.255/32', 'limited broadcast', 'never', 'RFC 919'],

  ['::/0', 'outside global unicast', 'private', 'RFC 4291'],
  ['::/96', 'IPv4-compatible, deprecated', 'never', 'RFC 4291', 'last'],
  ['::/128', 'unspecified', 'never', 'RFC 4291'],
  ['::1/128', 'loopback', 'never', 'RFC 4291'],
  ['::ffff:0:0:0/96', 'IPv4-translated', 'never', 'RFC 2765', 'last'],
  ['64:ff9b::/96', 'NAT64', 'public', 'RFC 6052', 'last'],
  ['64:ff9b:1::/48', 'NAT64, local use', 'private', 'RFC 8215', 'last'],
  ['100::/64', 'discard-only', 'private', 'RFC 6666'],
  ['100:0:0:1::/64', 'dummy prefix', 'private', 'RFC 9780'],
  ['2000::/3', 'global unicast', 'public', 'RFC 4291'],
  ['2001::/23', 'IETF protocol assignments', 'private', 'RFC 2928'],
  ['2001::/32', 'Teredo', 'private', 'RFC 4380', 'teredo'],
  ['2001:1::1/128', 'port control anycast', 'public', 'RFC 7723'],
  ['2001:1::2/128', 'TURN anycast', 'public', 'RFC 8155'],
  ['2001:1::3/128', 'DNS-SD service registration anycast', 'public', 'RFC 9665'],
  ['2001:2::/48', 'benchmarking', 'private', 'RFC 5180'],
  ['2001:3::/32', 'AMT', 'public', 'RFC 7450'],
  ['2001:4:112::/48', 'AS112', 'public', 'RFC 7535'],
  ['2001:10::/28', 'ORCHID, deprecated', 'private', 'RFC 4843'],
  ['2001:20::/28', 'ORCHIDv2', 'private', 'RFC 7343'],
  ['2001:30::/28', 'drone remote identification', 'private', 'RFC 9374'],
  ['2001:db8::/32', 'documentation', 'private', 'RFC 3849'],
  ['2002::/16', '6to4', 'private', 'RFC 3056', '6to4'],
  ['2620:4f:8000::/48', 'AS112', 'public', 'RFC 7534'],
  ['3fff::/20', 'documentation', 'private', 'RFC 9637'],
  ['5f00::/16', 'segment routing identifiers', 'private', 'RFC 9602'],
  ['fc00::/7', 'unique local', 'private', 'RFC 4193'],
  ['fd00:42::42/128', 'cloud metadata (Scaleway)', 'never', 'Scaleway'],
  ['fd00:a9fe:a9fe::1/128', 'cloud metadata (Linode)', 'never', 'Linode'],
  ['fd00:c1::a9fe:a9fe/128', 'cloud metadata (Oracle)', 'never', 'Oracle Cloud'],
  ['fd00:ec2::/32', 'cloud metadata and instance services (AWS)', 'never', 'AWS'],
  ['fd20:ce::254/128', 'cloud metadata (Google)', 'never', 'Google Cloud'],
  ['fe80::/10', 'link-local', 'never', 'RFC 4291'],
  ['fec0::/10', 'site-local, deprecated', 'private', 'RFC 3879'],
  ['ff00::/8', 'multicast', 'never', 'RFC 4291'],
];

function blockOf([prefix, name, class_, source, embeds]: Row): SpecialBlock {
  const block = parseCidr(prefix);
  if (block === null) throw new Error(`internal error: the special-address table holds \`${prefix}\``);
  return { block, name, class: class_, source, embeds: embeds ?? null };
}

/** Every row, longest prefix first. `0.0.0.0/0` and `::/0` are in it, so that each address has a row. */
export const SPECIAL_BLOCKS: readonly SpecialBlock[] = ROWS.map(blockOf).sort(
  (a, b) => b.block.bits - a.block.bits,
);

/**
 * Ports of cluster and container control planes: etcd, Kubernetes API server, kubelet, scheduler and controller
 * manager, Docker. Refused at every address that is not public, whatever the policy says.
 */
export const CONTROL_PLANE_PORTS: ReadonlySet<number> = new Set([
  2375, 2376, 2379, 2380, 6443, 10250, 10255, 10257, 10259,
]);
