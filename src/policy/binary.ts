/** Entries of `binaries`: a path, or a mapping with a path. */
import { isGlob } from '../base/glob.ts';
import type { Read } from './fields.ts';
import type { TextRead } from './file-path.ts';
import { type Issues, quoted } from './issues.ts';
import { checkGlob } from './pattern.ts';
import type { Binary } from './policy.ts';
import type { NETWORK_POLICY } from './schema-network.ts';

type BinaryRead = NonNullable<Read<typeof NETWORK_POLICY>['value']['fields']['binaries']>['value'][number];

/** Null when it can match no program; reported. */
export function checkBinary(read: BinaryRead, issues: Issues): Binary | null {
  const { form, read: inner } = read.value;
  if (form === 'short') {
    const path = checkPath(inner, issues);
    return path === null ? null : { span: read.span, path, ancestors: true, sha256: null };
  }
  const { fields, keys } = inner.value;
  const harness = keys.get('harness');
  if (harness !== undefined) {
    const message = '`harness` has no effect, and OpenShell 0.1.0 and later refuse it';
    issues.report(
      'removed_key',
      { span: harness, path: `${inner.path}.harness` },
      message,
      'Remove the key.',
    );
  }
  const sha256 = fields.sha256 === undefined ? null : checkSha256(fields.sha256, issues);
  const path = fields.path === undefined ? null : checkPath(fields.path, issues);
  if (path === null) return null;
  return { span: read.span, path, ancestors: fields.ancestors?.value ?? true, sha256 };
}

/** The kernel names a program by its absolute, resolved path; anything else never equals it. */
function checkPath(read: TextRead, issues: Issues): string | null {
  const path = read.value;
  const components = path.split('/');
  const refuse = (message: string, hint: string): null => {
    issues.report('invalid_binary', read, `${quoted(path)} ${message}`, hint);
    return null;
  };
  if (/^[~$]/.test(path) || path.includes('${')) {
    return refuse(
      'holds a variable; programs are named by their real paths',
      'Write the path, or a pattern such as `/home/*/.local/bin/tool`.',
    );
  }
  if (!path.startsWith('/') && components[0] !== '**') {
    return refuse(
      'is not absolute, so no program matches it',
      `Write the whole path, or \`/**/${components.at(-1)}\` for any directory.`,
    );
  }
  if (components.includes('..') || components.includes('.') || path.includes('//') || path.endsWith('/')) {
    return refuse(
      'is not in the form that the kernel gives paths',
      'Remove `.`, `..`, doubled and trailing slashes.',
    );
  }
  return !isGlob(path) || checkGlob(read, '/', issues) ? path : null;
}

function checkSha256(read: TextRead, issues: Issues): string | null {
  if (/^[0-9a-f]{64}$/i.test(read.value)) return read.value.toLowerCase();
  const message = `${quoted(read.value)} is no SHA-256 hash: 64 hexadecimal digits are expected`;
  issues.report('invalid_sha256', read, message, 'sha256sum(1) prints it.');
  return null;
}
