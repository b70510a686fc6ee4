/** A directory of its own for one test file, readable by every user, that is gone afterwards whatever happened. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Scratch {
  /** Canonical. */
  readonly path: string;
  readonly #atTheEnd: (() => void)[] = [];
  readonly #onExit = (): void => this.remove();

  constructor(name: string) {
    this.path = mkdtempSync(join(realpathSync(tmpdir()), `openshell-${name}-`));
    chmodSync(this.path, 0o755);
    // A test run that is stopped half way tidies up as well.
    process.on('exit', this.#onExit);
  }

  directory(...names: string[]): string {
    const path = join(this.path, ...names);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Called before the directory is removed, last come first. */
  atTheEnd(work: () => void): void {
    this.#atTheEnd.push(work);
  }

  remove(): void {
    process.off('exit', this.#onExit);
    for (let work = this.#atTheEnd.pop(); work !== undefined; work = this.#atTheEnd.pop()) work();
    rmSync(this.path, { recursive: true, force: true });
  }
}
