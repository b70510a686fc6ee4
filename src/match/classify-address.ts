/** Which class an address is in, with the IPv4 addresses that transition mechanisms hide in IPv6 ones. */
import { type Address, addressOf, type Cidr, contains } from '../base/address.ts';
import { type AddressClass, type Embedding, SPECIAL_BLOCKS, type SpecialBlock } from './special-addresses.ts';

export interface Classified {
  readonly class: AddressClass;
  /** What it is, for people: `loopback`, `NAT64 of 169.254.169.254 (cloud metadata)`. */
  readonly name: string;
}

const STRICTNESS: Readonly<Record<AddressClass, number>> = { public: 0, private: 1, never: 2 };

/** The prefix lengths that RFC 6052 section 2.2 allows. */
const NAT64_LENGTHS: ReadonlySet<number> = new Set([32, 40, 48, 56, 64, 96]);

/**
 * Classifies an address. `nat64` are the translation prefixes of this network besides the well-known ones (RFC 7050
 * discovery, or configured); an address in one of them is what it translates to.
 */
export function classifyAddress(address: Address, nat64: readonly Cidr[] = []): Classified {
  const prefix = nat64.find((block) => NAT64_LENGTHS.has(block.bits) && contains(block, address));
  if (prefix !== undefined) {
    const inner = addressOf(4, nat64Payload(address.value, prefix.bits));
    const verdict = classifyAddress(inner);
    return { class: verdict.class, name: `NAT64 of ${inner.text} (${verdict.name})` };
  }
  const row = rowOf(address);
  if (row.embeds === null) return { class: row.class, name: row.name };
  return embedded(address, row, row.embeds);
}

function rowOf(address: Address): SpecialBlock {
  const row = SPECIAL_BLOCKS.find(({ block }) => contains(block, address));
  if (row === undefined)
    throw new Error('internal error: the special-address table has no row for everything');
  return row;
}

function embedded(address: Address, row: SpecialBlock, how: Embedding): Classified {
  let result: Classified = { class: row.class, name: row.name };
  for (const value of embeddedValues(address.value, how)) {
    const inner = addressOf(4, value);
    const verdict = classifyAddress(inner);
    if (STRICTNESS[verdict.class] > STRICTNESS[result.class])
      result = { class: verdict.class, name: `${row.name} of ${inner.text} (${verdict.name})` };
  }
  return result;
}

function embeddedValues(value: bigint, how: Embedding): readonly bigint[] {
  const low = value & 0xffff_ffffn;
  switch (how) {
    case 'last':
      return [low];
    case '6to4':
      return [(value >> 80n) & 0xffff_ffffn];
    case 'teredo':
      // The server, and the client's address with every bit turned (RFC 4380 section 4).
      return [(value >> 64n) & 0xffff_ffffn, low ^ 0xffff_ffffn];
  }
}

/** The IPv4 address behind a translation prefix of `bits`; bits 64 to 71 are no part of it (RFC 6052 section 2.2). */
function nat64Payload(value: bigint, bits: number): bigint {
  if (bits === 96) return value & 0xffff_ffffn;
  const withoutZeroOctet = ((value >> 64n) << 56n) | (value & 0xff_ffff_ffff_ffffn);
  return (withoutZeroOctet >> BigInt(120 - bits - 32)) & 0xffff_ffffn;
}

/**
 * The translation prefixes in the answers for `ipv4only.arpa` (RFC 7050): the name has only the IPv4 addresses
 * 192.0.0.170 and 192.0.0.171, so an IPv6 answer shows where the translator puts them.
 */
export function nat64Prefixes(answers: readonly Address[]): Cidr[] {
  const found = new Map<string, Cidr>();
  for (const answer of answers) {
    if (answer.family !== 6) continue;
    for (const bits of NAT64_LENGTHS) {
      const payload = nat64Payload(answer.value, bits);
      if (payload !== 0xc000_00aan && payload !== 0xc000_00abn) continue;
      const shift = BigInt(128 - bits);
      const base = (answer.value >> shift) << shift;
      const text = `${addressOf(6, base).text}/${bits}`;
      found.set(text, { family: 6, base, bits, text });
      break;
    }
  }
  return [...found.values()];
}
