/**
 * Whether anything listens on a port of the host's loopback. Without a network namespace a workload cannot connect there but to
 * itself; where nobody is, it is told what it would be told in a network of its own, and nothing was kept from it.
 */
import { readFile } from 'node:fs/promises';
import { type Address, addressFromBytes, contains, parseAddress, parseCidr } from '../base/address.ts';

const LOOPBACK = [parseCidr('127.0.0.0/8')!, parseCidr('::1/128')!];
/** What the kernel connects to where the address is left open (ip(7)). */
const UNSPECIFIED = new Map([
  ['0.0.0.0', parseAddress('127.0.0.1')!],
  ['::', parseAddress('::1')!],
]);
/** States of include/net/tcp_states.h: TCP_LISTEN, and TCP_CLOSE for a datagram socket without a peer. */
const HEARS = { tcp: '0A', udp: '07' } as const;

type Protocol = keyof typeof HEARS;

/** The loopback address that `address` stands for, or null. */
export function loopbackOf(address: Address): Address | null {
  return (
    UNSPECIFIED.get(address.text) ?? (LOOPBACK.some((block) => contains(block, address)) ? address : null)
  );
}

/** Where it cannot be told, somebody may listen. `address` is of loopbackOf. */
export async function listensOnLoopback(
  address: Address,
  port: number,
  protocol: Protocol,
): Promise<boolean> {
  try {
    const tables = [protocol, `${protocol}6`].map((name) => readFile(`/proc/net/${name}`, 'latin1'));
    return (await Promise.all(tables)).some((table) => hears(table, protocol, address, port));
  } catch {
    return true;
  }
}

/** Whether a socket in `table`, the text of /proc/net/tcp or one like it (proc(5)), hears what is sent to that address. */
export function hears(table: string, protocol: Protocol, address: Address, port: number): boolean {
  const digits = port.toString(16).toUpperCase().padStart(4, '0');
  const local = `^ *\\d+: ([0-9A-F]{8}|[0-9A-F]{32}):${digits} [0-9A-F]+:[0-9A-F]{4} ${HEARS[protocol]} `;
  for (const [, hexadecimal] of table.matchAll(new RegExp(local, 'gm'))) {
    const heard = wordsOf(hexadecimal!);
    if (heard.text === address.text || heard.text === '::') return true;
    if (heard.text === '0.0.0.0' && address.family === 4) return true;
  }
  return false;
}

/** An address in words of 32 bits, each as it lies in the memory of a little-endian machine. */
const wordsOf = (hexadecimal: string): Address =>
  addressFromBytes(
    Uint8Array.from(hexadecimal.match(/.{8}/g)!.flatMap((word) => [...Buffer.from(word, 'hex')].reverse())),
  );
