/** The default seccomp profiles of container engines, as OCI runtimes take them (tools/gen-seccomp-profiles.mjs). */
import { readFileSync } from 'node:fs';

/**
 * `common`: CRI-O and podman. `moby20`: Docker 20.10 and containerd 1.6. `ctrd24`: containerd 2.4.
 * Kubernetes calls each of them RuntimeDefault.
 */
export const PROFILES = ['common', 'moby20', 'ctrd24'] as const;
export type Profile = (typeof PROFILES)[number];

interface ProfileFile {
  readonly source: string;
  readonly version: string;
  readonly license: string;
  readonly seccomp: object;
}

export function seccompOf(profile: Profile): object {
  const path = new URL(`profiles/${profile}.json`, import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as ProfileFile).seccomp;
}
