/** The section `expect`: the policy's own examples, read strictly here and evaluated elsewhere. */
import { isGlob } from '../base/glob.ts';
import { bracketed } from '../base/host-port.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Read } from './fields.ts';
import { checkFilePath, type TextRead } from './file-path.ts';
import { readHost } from './host.ts';
import { alternatives, type Issues, type Place, quoted } from './issues.ts';
import { HTTP_METHODS } from './methods.ts';
import type { Expectation } from './policy.ts';
import type { EXPECTATION } from './schema-expect.ts';
import { nearest } from './suggest.ts';

type ExpectationRead = Read<typeof EXPECTATION>;
type Subject = Expectation['subject'];

const SUBJECTS = ['connect', 'read', 'write', 'syscall', 'request'] as const;

export function checkExpectations(
  reads: readonly ExpectationRead[],
  policyKeys: readonly string[],
  issues: Issues,
): Expectation[] {
  const known = new Set(policyKeys);
  return reads.flatMap((read, index) => {
    const { fields } = read.value;
    const subject = checkSubject(read, issues);
    const { rule, verdict } = fields;
    if (rule !== undefined && !known.has(rule.value)) {
      const message = `no network policy has the name ${quoted(rule.value)}`;
      issues.report('unknown_rule', rule, message, () => {
        const near = nearest(rule.value, policyKeys);
        return near === null ? null : `Did you mean \`${near}\`?`;
      });
    }
    if (subject === null || verdict === undefined) return [];
    return { span: headOf(read).span, index, subject, verdict: verdict.value, rule: rule?.value ?? null };
  });
}

function headOf(read: ExpectationRead): Place & Pick<ExpectationRead, 'span'> {
  const [first] = read.value.keys.values();
  return { span: first ?? read.span, path: read.path };
}

function checkSubject(read: ExpectationRead, issues: Issues): Subject | null {
  const { fields, keys } = read.value;
  const given = SUBJECTS.filter((key) => keys.has(key));
  if (given.length !== 1) {
    const message =
      given.length === 0
        ? 'the entry says nothing that could be tried'
        : `${alternatives(given, 'and')} exclude each other`;
    issues.report(
      'invalid_expectation',
      headOf(read),
      message,
      `Write exactly one of ${alternatives(SUBJECTS)}.`,
    );
    return null;
  }
  const [kind] = given;
  const value = fields[kind!];
  const network = kind === 'connect' || kind === 'request';
  for (const key of ['binary', 'rule'] as const) {
    const span = keys.get(key);
    if (span === undefined || network) continue;
    const message = `\`${key}\` has no place beside \`${kind}\``;
    issues.report(
      'invalid_expectation',
      { span, path: `${read.path}.${key}` },
      message,
      'It belongs to `connect` and `request`.',
    );
  }
  const binary = fields.binary === undefined ? null : checkBinary(fields.binary, issues);
  if (value === undefined) return null;
  const subject = readSubject(kind!, value, binary, issues);
  if (subject === null || subject.ok) return subject?.value ?? null;
  issues.report('invalid_expectation', value, `${quoted(value.value)} ${subject.error}`, EXAMPLES[kind!]);
  return null;
}

const EXAMPLES: Readonly<Record<(typeof SUBJECTS)[number], string>> = {
  connect: 'Write it as `api.github.com:443` or `[2001:db8::1]:443`.',
  read: 'Write an absolute path.',
  write: 'Write an absolute path.',
  syscall: 'Write it as `socket(AF_PACKET, SOCK_RAW, 0)`; arguments are numbers or names of constants.',
  request: 'Write it as `GET https://api.github.com/user`.',
};

/** Errors are clauses that follow the text. */
function readSubject(
  kind: (typeof SUBJECTS)[number],
  read: TextRead,
  binary: string | null,
  issues: Issues,
): Result<Subject, string> | null {
  switch (kind) {
    case 'read':
    case 'write':
      return checkFilePath(read, issues) ? ok({ kind, path: read.value }) : null;
    case 'connect': {
      const parsed = parseAuthority(read.value);
      if (!parsed.ok) return parsed;
      const { host, port } = parsed.value;
      return port === null ? err('has no port') : ok({ kind, host, port, binary });
    }
    case 'syscall': {
      const call = parseCall(read.value);
      return call.ok ? ok({ kind, call: call.value }) : call;
    }
    case 'request': {
      const request = parseRequest(read.value);
      return request.ok ? ok({ kind, ...request.value, binary }) : request;
    }
  }
}

function checkBinary(read: TextRead, issues: Issues): string | null {
  if (read.value.startsWith('/') && !isGlob(read.value)) return read.value;
  const message = `${quoted(read.value)} is not the absolute path of one program`;
  issues.report('invalid_expectation', read, message, 'Write the path of a program, as `/usr/bin/git`.');
  return null;
}

/** `host`, `host:port` or `[address]:port`; no pattern. */
function parseAuthority(
  text: string,
): Result<{ readonly host: string; readonly port: number | null }, string> {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::([0-9]{1,5}))?$/.exec(text);
  if (match === null) return err('is no host and port');
  const [, address, name, digits] = match;
  const host = readHost(address ?? name ?? '');
  if (!host.ok) return err(`has a malformed host: ${host.error.message}`);
  const fits = address === undefined || host.value.text.includes(':');
  if (host.value.kind === 'pattern' || !fits) return err('names no single host');
  const port = digits === undefined ? null : Number(digits);
  if (port !== null && (port < 1 || port > 65_535)) return err('has a port outside 1 to 65535');
  return ok({ host: host.value.text, port });
}

const ARGUMENT = /^(?:-?(?:0|[1-9][0-9]{0,19})|0x[0-9a-fA-F]{1,16}|[A-Z_][A-Z0-9_]*)$/;
const MAX_ARGUMENTS = 6;

/** The call in canonical spelling: `name(a, B|C)`. */
function parseCall(text: string): Result<string, string> {
  const match = /^([a-z_][a-z0-9_]{0,63})\s*(?:\(([^()]*)\))?$/.exec(text);
  if (match === null) return err('is no system call');
  const [, name, inside = ''] = match;
  const args =
    inside.trim() === '' ? [] : inside.split(',').map((arg) => arg.split('|').map((part) => part.trim()));
  if (args.length > MAX_ARGUMENTS) return err(`has more than ${MAX_ARGUMENTS} arguments`);
  const bad = args.flat().find((part) => !ARGUMENT.test(part));
  if (bad !== undefined) return err(`has the argument ${quoted(bad)}, which is no number and no constant`);
  return ok(`${name}(${args.map((parts) => parts.join('|')).join(', ')})`);
}

/** `METHOD URL` in canonical spelling; http and https only, without user information and fragment. */
function parseRequest(text: string): Result<{ readonly method: string; readonly url: string }, string> {
  const match = /^([A-Za-z-]+) (https?):\/\/([^/?#\s]+)(\/[^?#\s]*)?(\?[^#\s]*)?$/.exec(text);
  if (match === null) return err('is no method and http or https URL');
  const [, word = '', scheme, authority = '', path = '/', query = ''] = match;
  const method = word.toUpperCase();
  if (!HTTP_METHODS.includes(method)) return err(`has the unknown method ${quoted(word)}`);
  const parsed = parseAuthority(authority);
  if (!parsed.ok) return parsed;
  const { host, port } = parsed.value;
  const shown = bracketed(host);
  return ok({ method, url: `${scheme}://${shown}${port === null ? '' : `:${port}`}${path}${query}` });
}
