/** The cgroup of one sandbox: made before it starts, asked while it runs, removed when it has ended. */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxLimits } from '../plan/plan.ts';

const PREFIX = 'openshell-';

export class Cgroup {
  /** Where it is; the launcher puts process 1 of the sandbox there. */
  readonly path: string;

  /** Throws when the limits cannot be set: a limit that was asked for is never left out. */
  constructor(parent: string, limits: SandboxLimits) {
    removeStale(parent);
    this.path = join(parent, `${PREFIX}${process.pid}`);
    mkdirSync(this.path);
    try {
      this.#write('pids.max', String(limits.processes));
      if (limits.memory !== null) {
        this.#write('memory.max', String(limits.memory));
        // Memory that is swapped out is used all the same.
        this.#writeIfThere('memory.swap.max', '0');
        this.#writeIfThere('memory.oom.group', '1');
      }
    } catch (error) {
      this.remove();
      throw new Error(`cannot set the limits of the cgroup ${this.path}: ${(error as Error).message}`);
    }
  }

  /** Whether the kernel killed something for its memory. */
  get outOfMemory(): boolean {
    return Number(/^oom_kill (\d+)$/m.exec(this.#read('memory.events'))?.[1] ?? 0) > 0;
  }

  /** Milliseconds of CPU time of all its processes, ended ones too. */
  get cpuMs(): number {
    return Number(/^usage_usec (\d+)$/m.exec(this.#read('cpu.stat'))?.[1] ?? 0) / 1000;
  }

  remove(): void {
    try {
      rmdirSync(this.path);
    } catch {}
  }

  #write(name: string, value: string): void {
    writeFileSync(join(this.path, name), value);
  }

  #writeIfThere(name: string, value: string): void {
    try {
      this.#write(name, value);
    } catch {}
  }

  #read(name: string): string {
    try {
      return readFileSync(join(this.path, name), 'utf8');
    } catch {
      return '';
    }
  }
}

/** Cgroups whose openshell was killed: empty, since its sandbox died with it. */
function removeStale(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    try {
      process.kill(Number(name.slice(PREFIX.length)), 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') continue;
      try {
        rmdirSync(join(parent, name));
      } catch {}
    }
  }
}
