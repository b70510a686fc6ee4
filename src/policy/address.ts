/**
 * IP addresses and CIDR blocks of a policy, in the one spelling that every program reads alike: dotted quads without
 * leading zeros, and RFC 4291 text without a zone id.
 */
import ipaddr from 'ipaddr.js';

export interface Block {
  readonly family: 4 | 6;
  /** Address of the network; bits to the right of the prefix are zero. */
  readonly base: bigint;
  readonly prefix: number;
  /** Canonical, as `10.0.0.0/8`. */
  readonly text: string;
}

export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
  /** Canonical: a dotted quad, or RFC 5952 text without brackets. */
  readonly text: string;
}

const QUAD = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/;
const IPV6 = /^[0-9a-f:]{2,39}$/i;
const MAPPED_IPV6 = /^(?:[0-9a-f:]*:)?ffff:(?:\d+\.){3}\d+$/i;
const WIDTHS = { 4: 32, 6: 128 } as const;

/** Null when the text is no address. IPv4-mapped IPv6 addresses are none here: see `isMapped`. */
export function parseAddress(text: string): Address | null {
  if (QUAD.test(text)) {
    const value = text.split('.').reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
    return { family: 4, value, text };
  }
  if (!IPV6.test(text) || !ipaddr.IPv6.isValid(text)) return null;
  const parsed = ipaddr.IPv6.parse(text);
  if (parsed.isIPv4MappedAddress()) return null;
  const value = parsed.parts.reduce((sum, part) => (sum << 16n) | BigInt(part), 0n);
  return { family: 6, value, text: parsed.toRFC5952String() };
}

/** Whether the text is an IPv4 address in IPv6 clothes (RFC 4291, 2.5.5.2), which programs read differently. */
export function isMapped(text: string): boolean {
  if (MAPPED_IPV6.test(text)) return true;
  return IPV6.test(text) && ipaddr.IPv6.isValid(text) && ipaddr.IPv6.parse(text).isIPv4MappedAddress();
}

/** Reads `address/prefix`, or a lone address as a block of one; null when it is none. `exact`: no bit was cut off. */
export function parseBlock(text: string): { readonly block: Block; readonly exact: boolean } | null {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === null) return null;
  const { family, value } = address;
  const suffix = slash < 0 ? String(WIDTHS[family]) : text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(suffix) || Number(suffix) > WIDTHS[family]) return null;
  const prefix = Number(suffix);
  const shift = BigInt(WIDTHS[family] - prefix);
  const base = (value >> shift) << shift;
  return {
    block: { family, base, prefix, text: `${format(family, base)}/${prefix}` },
    exact: base === value,
  };
}

export function overlaps(a: Block, b: Block): boolean {
  if (a.family !== b.family) return false;
  const shift = BigInt(WIDTHS[a.family] - Math.min(a.prefix, b.prefix));
  return a.base >> shift === b.base >> shift;
}

export function blockOf({ family, value, text }: Address): Block {
  return { family, base: value, prefix: WIDTHS[family], text: `${text}/${WIDTHS[family]}` };
}

/** What a block overlaps that is never reached, whatever a policy says: `loopback`, `link-local`... Null: nothing. */
export function neverReached(block: Block): string | null {
  return neverReachedBlocks().find(([, never]) => overlaps(block, never))?.[0] ?? null;
}

/** RFC 6890 and the registries that follow it. */
const NEVER_REACHED = [
  ['unspecified', '0.0.0.0/8'],
  ['loopback', '127.0.0.0/8'],
  ['link-local', '169.254.0.0/16'],
  ['multicast', '224.0.0.0/4'],
  ['broadcast', '255.255.255.255/32'],
  ['unspecified', '::/128'],
  ['loopback', '::1/128'],
  ['link-local', 'fe80::/10'],
  ['multicast', 'ff00::/8'],
] as const;

let blocks: (readonly [string, Block])[] | undefined;

/** Read at the first use: most policies name no address. */
function neverReachedBlocks(): readonly (readonly [string, Block])[] {
  blocks ??= NEVER_REACHED.map(([name, text]) => [name, parseBlock(text)!.block] as const);
  return blocks;
}

function format(family: 4 | 6, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
  const parts = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  return new ipaddr.IPv6(parts).toRFC5952String();
}
