/** Hosts and host patterns as a policy may write them. What two programs could read differently is refused, not repaired. */
import { err, ok, type Result } from '../base/result.ts';
import { isMapped, parseAddress } from './address.ts';
import type { IssueCode } from './codes.ts';
import { quoted } from './issues.ts';

export interface Host {
  /** Lower case, no trailing dot: a name, a pattern or a canonical address. */
  readonly text: string;
  readonly kind: 'name' | 'pattern' | 'address';
}

export interface HostProblem {
  readonly code: IssueCode;
  readonly message: string;
  readonly hint: string | null;
}

const MAX_NAME = 253;
const MAX_LABEL = 63;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/;
const NUMBER = /^(?:[0-9]+|0x[0-9a-f]*)$/;

/** Reads a host of an endpoint: a name, an address, or a pattern that leaves no more than names below one domain open. */
export function readHost(text: string): Result<Host, HostProblem> {
  const host = readHostSelector(text);
  if (!host.ok || host.value.kind !== 'pattern') return host;
  const labels = host.value.text.split('.');
  if (labels.length >= 3 && !labels.slice(-2).some((label) => label.includes('*'))) return host;
  return err({
    code: 'broad_host_pattern',
    message: `${quoted(text)} covers a whole top-level domain or more`,
    hint: 'Write out at least the last two labels, as in `*.example.com`.',
  });
}

/** The same, for selectors that grant nothing: `*` and `**` alone are patterns too. */
export function readHostSelector(text: string): Result<Host, HostProblem> {
  const malformed = findMalformed(text);
  if (malformed !== null) return err(malformed);
  if (text.includes(':')) {
    const address = parseAddress(text);
    return address === null ? err(unusual(text, null)) : ok({ text: address.text, kind: 'address' });
  }
  const name = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  const labels = name.split('.');
  const bad = badName(name, labels);
  if (bad !== null) return err(invalid(`${quoted(text)} ${bad}`, null));
  // inet_aton(3) reads whatever ends in a number as an address: 127.1, 0x7f.1, 2130706433, 010.0.0.1.
  if (NUMBER.test(labels.at(-1)!)) {
    const address = parseAddress(name);
    return address === null ? err(unusual(text, null)) : ok({ text: address.text, kind: 'address' });
  }
  if (!name.includes('*')) return ok({ text: name, kind: 'name' });
  const shape = badPattern(labels);
  return shape === null ? ok({ text: name, kind: 'pattern' }) : err(shape);
}

/** Things that are no host at all, from the most telling to the least. */
function findMalformed(text: string): HostProblem | null {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    return invalid(`${quoted(text)} holds a scheme`, 'Write the host alone, and its port under `port`.');
  }
  if (/[^\x20-\x7e]/.test(text)) {
    return invalid(
      `${quoted(text)} holds a character outside ASCII`,
      'Write the name in punycode, as `xn--bcher-kva.example`.',
    );
  }
  if (text.includes('@')) return invalid(`${quoted(text)} holds user information`, 'Write the host alone.');
  if (/[/\\#=]/.test(text)) {
    const hint = 'Write the host alone; paths go under `path` or into rules.';
    return invalid(`${quoted(text)} holds more than a host`, hint);
  }
  if (text.includes('%')) {
    return text.includes(':')
      ? unusual(text, 'Remove the zone id after `%`.')
      : invalid(`${quoted(text)} holds a percent escape`, 'Write the characters themselves.');
  }
  if (/\s/.test(text)) return invalid(`${quoted(text)} holds a blank`, 'Write one host without blanks.');
  if (/^\[.*\]$/.test(text)) return unusual(text, 'Write IPv6 addresses without brackets.');
  if (/^\[.*\]:\d+$/.test(text) || /^[^:]*:\d*$/.test(text)) {
    return invalid(`${quoted(text)} holds a port`, 'Write the port under `port`.');
  }
  if (/[[\]{}?]/.test(text)) {
    return {
      code: 'invalid_host_pattern',
      message: `${quoted(text)} is a pattern of a kind that hosts do not have: they know \`*\` and \`**\` only`,
      hint: 'Write one endpoint for each host.',
    };
  }
  if (isMapped(text)) return unusual(text, 'Write the IPv4 address itself.');
  return null;
}

function badName(name: string, labels: readonly string[]): string | null {
  if (name === '') return 'has no name';
  if (name.length > MAX_NAME) return `is longer than ${MAX_NAME} characters`;
  for (const label of labels) {
    if (label === '') return 'has an empty label';
    if (label.length > MAX_LABEL) return `has a label longer than ${MAX_LABEL} characters`;
    if (!/^[a-z0-9_*-]+$/.test(label)) return 'holds a character that names cannot have';
    if (!label.includes('*') && !LABEL.test(label)) return 'has a label that begins or ends with a hyphen';
  }
  return null;
}

function badPattern(labels: readonly string[]): HostProblem | null {
  const [first, ...later] = labels;
  if (first !== '**' && first!.includes('**'))
    return badShape('`**` must be the whole first label', '`**.example.com`');
  for (const label of later) {
    if (label.includes('**')) return badShape('`**` may only be the whole first label', '`**.example.com`');
    if (label !== '*' && label.includes('*')) {
      return badShape('`*` beside other characters may stand in the first label only', '`api-*.example.com`');
    }
  }
  return null;
}

const badShape = (message: string, example: string): HostProblem => ({
  code: 'invalid_host_pattern',
  message,
  hint: `A pattern that works is ${example}.`,
});

const invalid = (message: string, hint: string | null): HostProblem => ({
  code: 'invalid_host',
  message,
  hint,
});

const unusual = (text: string, hint: string | null): HostProblem => ({
  code: 'unusual_address',
  message: `${quoted(text)} is an address in a form that programs read differently, or none`,
  hint: hint ?? 'Write IPv4 as four decimal numbers without leading zeros, IPv6 as in RFC 5952.',
});
