/** A home and a project directory that exist for one test file and are gone after it, whatever happened. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';

export class Scratch {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'openshell-programs-')));
  readonly home = join(this.root, 'home');
  /** The working directory: writable under the default policy. */
  readonly project = join(this.home, 'project');

  constructor() {
    chmodSync(this.root, 0o755);
    mkdirSync(this.project, { recursive: true });
  }

  /** Writes a file below the root and returns its path. */
  write(name: string, text: string | Uint8Array, mode = 0o644): string {
    const path = join(this.root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }

  /** Makes a directory below the root and returns its path. */
  directory(name: string): string {
    const path = join(this.root, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Writes a policy beside the project, where the workload does not see it. */
  policy(text: string, name = 'policy.yaml'): string {
    return this.write(name, text);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** For the top of a test file. */
export function useScratch(): Scratch {
  const scratch = new Scratch();
  afterAll(() => scratch.remove());
  return scratch;
}
