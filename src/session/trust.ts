/** Whom programs inside trust, and whom the proxy trusts for them, in one run. */
import { readFileSync } from 'node:fs';
import { SandboxAuthority } from '../http/tls/authority.ts';
import { encodePlan } from '../plan/encode.ts';
import type { Plan } from '../plan/plan.ts';
import { type TrustFile, trustFiles } from '../plan/trust-files.ts';

export interface Trust {
  /** Its key never leaves this process. */
  readonly authority: SandboxAuthority;
  readonly files: Readonly<Record<TrustFile, string>>;
  /** PEM of authorities that servers are trusted by, besides those that Node brings. */
  readonly upstream: readonly string[];
}

/** Where distributions keep the certificates that the machine trusts. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt', // Debian, Ubuntu, Arch, Gentoo, Alpine
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem', // Fedora, RHEL
  '/etc/ssl/ca-bundle.pem', // openSUSE
  '/etc/pki/tls/certs/ca-bundle.crt', // older RHEL
  '/etc/ssl/cert.pem', // Alpine without its package
];

/** @param further PEM files that the operator names */
export function makeTrust(further: readonly string[]): Trust {
  const authority = new SandboxAuthority();
  const systemBundle = readSystemBundle();
  return {
    authority,
    files: trustFiles({ systemBundle, caPem: authority.caPem }),
    upstream: [systemBundle, ...further].filter((pem) => pem !== ''),
  };
}

/** The plan as the launcher reads it, with the files that are made for this run. */
export function documentWith(plan: Plan, { files }: Pick<Trust, 'files'>): Uint8Array {
  const mounts = plan.mounts.map((mount) =>
    mount.kind === 'file' && mount.filled !== undefined ? { ...mount, content: files[mount.filled] } : mount,
  );
  return encodePlan({ ...plan, mounts }, (text) => Buffer.from(text, 'utf8'));
}

function readSystemBundle(): string {
  for (const path of SYSTEM_BUNDLES) {
    try {
      return readFileSync(path, 'utf8');
    } catch {} // another distribution's
  }
  return '';
}
