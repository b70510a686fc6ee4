/**
 * Hosts in the one spelling that rules are compared with. Anything that two programs could read differently is
 * refused, not repaired.
 */

import { type Address, parseAddress } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';

export interface Host {
  /** Lower case, no trailing dot, no brackets: a name or a canonical address. */
  readonly text: string;
  /** Null: it is a name. */
  readonly address: Address | null;
}

const MAX_NAME = 253;
const MAX_LABEL = 63;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/;
const NUMBER = /^(?:[0-9]+|0x[0-9a-f]*)$/;

/**
 * Reads a host as it stands in a request or on a command line. IPv6 addresses may have brackets, nothing else may.
 * One trailing dot is dropped. Errors are clauses that follow "the host".
 */
export function normaliseHost(text: string): Result<Host, string> {
  if (text === '') return err('is empty');
  if (text.length > MAX_NAME + 1) return err(`is longer than ${MAX_NAME} characters`);
  if (text.startsWith('[')) {
    const inner = text.endsWith(']') ? text.slice(1, -1) : '';
    return inner.includes(':') ? ipv6(inner) : err('has brackets but is no IPv6 address');
  }
  if (text.includes(':')) return ipv6(text);
  const strange = /[^A-Za-z0-9._-]/.exec(text);
  if (strange !== null) return err(strangeCharacter(strange[0]));
  return name((text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase());
}

function ipv6(text: string): Result<Host, string> {
  if (text.includes('%')) return err('has a zone id');
  const address = parseAddress(text);
  return address === null ? err('is no IPv6 address') : ok({ text: address.text, address });
}

function name(text: string): Result<Host, string> {
  if (text.length > MAX_NAME) return err(`is longer than ${MAX_NAME} characters`);
  const labels = text.split('.');
  for (const label of labels) {
    if (label === '') return err('has an empty label');
    if (label.length > MAX_LABEL) return err(`has a label longer than ${MAX_LABEL} characters`);
    if (!LABEL.test(label)) return err('has a label that begins or ends with a hyphen');
  }
  // inet_aton(3) reads whatever ends in a number as an address: 127.1, 0x7f.1, 2130706433, 010.0.0.1.
  if (!NUMBER.test(labels.at(-1)!)) return ok({ text, address: null });
  const address = parseAddress(text);
  return address === null
    ? err('is an address in an unusual form; write it as four decimal numbers')
    : ok({ text: address.text, address });
}

function strangeCharacter(c: string): string {
  if (c === '@') return 'holds user information';
  if (c === '%') return 'holds a percent escape';
  if (c === '\\') return 'holds a backslash';
  if (c === '/' || c === '?' || c === '#') return 'holds a part of a path';
  if (c <= ' ' || c === '\u007f') return 'holds a blank or control character';
  if (c > '\u007f') return 'holds a character outside ASCII; write its punycode form (xn--...)';
  return 'holds a character that names cannot have';
}
