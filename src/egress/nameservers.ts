/** The servers that resolvers of a workload ask where it has the host's own resolv.conf(5): each means the policy DNS. */
import { readFileSync } from 'node:fs';
import { parseAddress } from '../base/address.ts';
import { INNER } from '../plan/wire.ts';

const FILE = '/etc/resolv.conf';
/** What resolvers ask when the file names nobody. */
const UNNAMED = ['127.0.0.1', '::1'];
export const DNS_PORT = 53;

/** Canonical addresses; the one that the other tier has is always among them. */
export function hostNameservers(read: () => string = () => readFileSync(FILE, 'utf8')): ReadonlySet<string> {
  const named = textOf(read).matchAll(/^nameserver[ \t]+([0-9A-Fa-f.:]+)/gm);
  const addresses = [...named].flatMap(([, text]) => parseAddress(text!)?.text ?? []);
  return new Set([INNER.dns, ...(addresses.length === 0 ? UNNAMED : addresses)]);
}

function textOf(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
