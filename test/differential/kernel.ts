/** Asks the running kernel what a filter answers, through a small C program that is compiled here. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Action } from '../../src/bpf/action.ts';
import { RETURN, RETURN_ACTION_MASK } from '../../src/bpf/action.ts';
import type { Call } from '../../src/bpf/filter.ts';
import type { Instruction } from '../../src/bpf/instruction.ts';
import { CODE } from '../../src/bpf/verify.ts';
import type { Arch } from '../../src/kernel/arch.ts';

const ARCH_OF_NODE: Readonly<Record<string, Arch>> = { x64: 'x86_64', arm64: 'aarch64' };
/** The architecture of this machine, when it is one that filters are compiled for. */
export const HOST_ARCH: Arch | undefined = ARCH_OF_NODE[process.arch];
/** AUDIT_ARCH_I386 */
export const I386 = 0x40000003;

/** Errnos that no rule answers stand for what must not happen in a test: the call, the notification, the end. */
const MARK = { allow: 200, notify: 201, kill: 202 } as const;

/** Why the kernel cannot be asked here, or null. */
export const unavailable: string | null =
  HOST_ARCH === undefined
    ? `no filters for ${process.arch}`
    : spawnSync('cc', ['--version']).status === 0
      ? null
      : 'no C compiler';

/** The errno that the kernel gives for an action of a marked program. */
export const markOf = (action: Action): number =>
  action.kind === 'errno' ? action.errno : MARK[action.kind];

/** The same program with an errno in the place of every action, so that no call is ever made. */
export function markReturns(program: readonly Instruction[]): readonly Instruction[] {
  const marks = new Map<number, number>([
    [RETURN.allow, MARK.allow],
    [RETURN.notify, MARK.notify],
    [RETURN.killProcess, MARK.kill],
  ]);
  return program.map((instruction) => {
    if (instruction.code !== CODE.retK) return instruction;
    const mark = marks.get((instruction.k & RETURN_ACTION_MASK) >>> 0);
    return mark === undefined ? instruction : { ...instruction, k: RETURN.errno | mark };
  });
}

export interface KernelQuestion {
  /** Must answer errnos only: `markReturns`. */
  readonly program: readonly Instruction[];
  /** Calls under I386 are made by int 0x80. */
  readonly calls: readonly Call[];
  /** User and group that ask; needs root. */
  readonly as?: { readonly uid: number; readonly gid: number };
}

export class Kernel {
  readonly #directory = mkdtempSync(join(tmpdir(), 'seccomp-child-'));
  readonly #binary = join(this.#directory, 'seccomp-child');

  constructor() {
    const flags = ['-O1', '-Wall', '-Wextra', '-Werror', '-fomit-frame-pointer'];
    const source = new URL('seccomp-child.c', import.meta.url).pathname;
    const compiled = spawnSync('cc', [...flags, '-o', this.#binary, source], { encoding: 'utf8' });
    if (compiled.status !== 0) throw new Error(compiled.stderr);
    chmodSync(this.#directory, 0o755);
  }

  get takesI386(): boolean {
    return spawnSync(this.#binary, ['i386']).status === 0;
  }

  /** What each call returned, as a positive errno. */
  ask({ program, calls, as }: KernelQuestion): readonly number[] {
    const asked = spawnSync(this.#binary, [], {
      input: encode(program, calls),
      maxBuffer: 64 * 1024 * 1024,
      ...as,
    });
    if (asked.status !== 0) throw new Error(`${asked.error ?? ''}${asked.stderr} (status ${asked.status})`);
    return calls.map((_, index) => -Number(asked.stdout.readBigInt64LE(8 * index)));
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }
}

const CALL_SIZE = 56;

function encode(program: readonly Instruction[], calls: readonly Call[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 + 8 * program.length + CALL_SIZE * calls.length));
  view.setUint32(0, program.length, true);
  view.setUint32(4, calls.length, true);
  let at = 8;
  for (const { code, jt, jf, k } of program) {
    view.setUint16(at, code, true);
    view.setUint8(at + 2, jt);
    view.setUint8(at + 3, jf);
    view.setUint32(at + 4, k, true);
    at += 8;
  }
  for (const { arch, nr, args } of calls) {
    view.setUint32(at, arch === I386 ? 1 : 0, true);
    view.setUint32(at + 4, nr, true);
    for (let index = 0; index < 6; index += 1) view.setBigUint64(at + 8 + 8 * index, args[index] ?? 0n, true);
    at += CALL_SIZE;
  }
  return new Uint8Array(view.buffer);
}
