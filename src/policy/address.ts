/** IP addresses and CIDR blocks as a policy may write them: IPv4-mapped IPv6 addresses are refused, programs differ on them. */
import { type Address, type Cidr, cidrOf, parseAddress as parseAnyAddress, WIDTH } from '../base/address.ts';

/** Null when the text is no address, and when it `isMapped`. */
export const parseAddress = (text: string): Address | null => (isMapped(text) ? null : parseAnyAddress(text));

/** Whether the text is an IPv4 address in IPv6 clothes (RFC 4291, 2.5.5.2). */
export const isMapped = (text: string): boolean =>
  text.includes(':') && (ODD_MAPPED.test(text) || parseAnyAddress(text)?.family === 4);

/** With a quad that is not a strict one too: the base reads none of these. */
const ODD_MAPPED = /^(?:[0-9a-f:]*:)?ffff:(?:\d+\.){3}\d+$/i;

/** Reads `address/prefix`, or a lone address as a block of one; null when it is none. `exact`: no bit was cut off. */
export function parseBlock(text: string): { readonly block: Cidr; readonly exact: boolean } | null {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === null) return null;
  const { family, value } = address;
  const suffix = slash < 0 ? String(WIDTH[family]) : text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(suffix) || Number(suffix) > WIDTH[family]) return null;
  const block = cidrOf(family, value, Number(suffix));
  return { block, exact: block.base === value };
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  if (a.family !== b.family) return false;
  const shift = BigInt(WIDTH[a.family] - Math.min(a.bits, b.bits));
  return a.base >> shift === b.base >> shift;
}

export const blockOf = ({ family, value }: Address): Cidr => cidrOf(family, value, WIDTH[family]);

/** What a block overlaps that is never reached, whatever a policy says: `loopback`, `link-local`... Null: nothing. */
export function neverReached(block: Cidr): string | null {
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

let blocks: (readonly [string, Cidr])[] | undefined;

/** Read at the first use: most policies name no address. */
function neverReachedBlocks(): readonly (readonly [string, Cidr])[] {
  blocks ??= NEVER_REACHED.map(([name, text]) => [name, parseBlock(text)!.block] as const);
  return blocks;
}
