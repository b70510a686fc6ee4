/** Resource limits: RLIMIT_* numbers (asm-generic/resource.h) and their names, as getrlimit(2) has them. */
import { RESOURCE } from './gen/constants.ts';

export const RLIMIT = RESOURCE;
export type RlimitName = keyof typeof RLIMIT;

/** What the kernel takes for "no limit": all 64 bits set (RLIM64_INFINITY). */
export const RLIMIT_UNLIMITED = 0xffff_ffff_ffff_ffffn;

/** `RLIMIT_NPROC` for 6, or undefined. */
export function rlimitName(resource: number): RlimitName | undefined {
  const entry = Object.entries(RLIMIT).find(([, number]) => number === resource);
  return entry?.[0] as RlimitName | undefined;
}
