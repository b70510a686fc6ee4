/**
 * IP addresses and CIDR blocks as values that can be compared. Only spellings that every resolver reads alike are
 * accepted: dotted quads without leading zeros, and RFC 4291 IPv6 text without a zone id.
 */
import ipaddr from 'ipaddr.js';

export interface Address {
  readonly family: 4 | 6;
  /** The 32 or 128 bits. */
  readonly value: bigint;
  /** Canonical: a dotted quad, or RFC 5952 text without brackets. */
  readonly text: string;
}

export interface Cidr {
  readonly family: 4 | 6;
  /** The network's address; host bits are zero. */
  readonly base: bigint;
  /** Prefix length: 0 to 32, or 0 to 128. */
  readonly bits: number;
  /** Canonical, as `10.0.0.0/8`. */
  readonly text: string;
}

const DOTTED_QUAD = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const IPV6_CHARACTERS = /^[0-9a-f:]{2,39}$/i;
const MAPPED = 0xffffn << 32n;

export const WIDTH: Readonly<Record<4 | 6, number>> = { 4: 32, 6: 128 };

/** Reads one address; null when the text is none. An IPv4-mapped IPv6 address (RFC 4291 2.5.5.2) is its IPv4 address. */
export function parseAddress(text: string): Address | null {
  if (DOTTED_QUAD.test(text)) return addressOf(4, quadValue(text));
  const hexadecimal = withoutQuad(text);
  if (hexadecimal === null || !IPV6_CHARACTERS.test(hexadecimal) || !ipaddr.IPv6.isValid(hexadecimal))
    return null;
  const value = ipaddr.IPv6.parse(hexadecimal).parts.reduce((sum, part) => (sum << 16n) | BigInt(part), 0n);
  return addressOf(6, value);
}

/** The address with these bits; IPv4-mapped ones become IPv4. */
export function addressOf(family: 4 | 6, value: bigint): Address {
  if (family === 6 && value >> 32n === MAPPED >> 32n) return addressOf(4, value & 0xffff_ffffn);
  if (family === 4) {
    const octets = [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn);
    return { family, value, text: octets.join('.') };
  }
  const parts = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  return { family, value, text: new ipaddr.IPv6(parts).toRFC5952String() };
}

/** Reads `address/bits`, or a lone address as a block of one. Host bits that are set make it null: it would not say what it means. */
export function parseCidr(text: string): Cidr | null {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === null) return null;
  const width = WIDTH[address.family];
  if (slash < 0) return cidrOf(address.family, address.value, width);
  const suffix = text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(suffix)) return null;
  const written = text.slice(0, slash).includes(':') ? 128 : 32;
  const bits = Number(suffix) - (written - width);
  if (bits < 0 || bits > width) return null;
  const block = cidrOf(address.family, address.value, bits);
  return block.base === address.value ? block : null;
}

export function contains(block: Cidr, address: Address): boolean {
  if (block.family !== address.family) return false;
  const shift = BigInt(WIDTH[block.family] - block.bits);
  return address.value >> shift === block.base >> shift;
}

/** The block of this length around `value`; bits to the right of its prefix are cut off. */
export function cidrOf(family: 4 | 6, value: bigint, bits: number): Cidr {
  const shift = BigInt(WIDTH[family] - bits);
  const base = (value >> shift) << shift;
  return { family, base, bits, text: `${addressOf(family, base).text}/${bits}` };
}

const quadValue = (text: string): bigint =>
  text.split('.').reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);

/** `::ffff:1.2.3.4` as `::ffff:102:304`; null when the quad is not a strict one. */
function withoutQuad(text: string): string | null {
  if (text.length > 45) return null;
  const colon = text.lastIndexOf(':');
  const tail = text.slice(colon + 1);
  if (!tail.includes('.')) return text;
  if (colon < 0 || !DOTTED_QUAD.test(tail)) return null;
  const value = quadValue(tail);
  return `${text.slice(0, colon + 1)}${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
}
