/** Architectures that plans are compiled for. AUDIT_ARCH_* values are from linux/audit.h. */
export type Arch = 'x86_64' | 'aarch64';

export const AUDIT_ARCH: Readonly<Record<Arch, number>> = { x86_64: 0xc000003e, aarch64: 0xc00000b7 };
