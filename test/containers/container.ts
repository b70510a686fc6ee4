/**
 * Runs programs in a restricted container: an unprivileged user, no capabilities, no_new_privs, a read-only root, the
 * default seccomp profile of an engine. The repository is there, read-only, under its own path.
 */
import type { ChildProcess } from 'node:child_process';
import { lchownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandOptions, ended, type Outcome, start } from '../support/command.ts';
import { cleanEnvironment } from '../support/product.ts';
import { Scratch } from '../support/scratch.ts';
import { CONTAINER_UID, type ContainerSpec, HOME, WORK, writeBundle } from './bundle.ts';
import { forget, inUserNamespace, runtimeCommand } from './runtime.ts';

/** `cwd` and `env` are those inside; by default the volumes for work and home. */
export type ContainedOptions = Partial<Omit<CommandOptions, 'as'>>;

export interface ContainerRun extends ContainerSpec, Omit<ContainedOptions, 'limitMs'> {
  readonly command: readonly string[];
  /** After which the container is killed with all that is in it, and the promise rejects. */
  readonly timeoutMs?: number;
}

const ENVIRONMENT = cleanEnvironment(HOME, `${HOME}/.cache`);
let started = 0;

/** Starts and runs programs as support/command.ts does, each in a new container of this kind. */
export class Container {
  readonly #spec: ContainerSpec;

  constructor(spec: ContainerSpec) {
    this.#spec = spec;
  }

  /**
   * The child stands for the program in the container: its streams, its exit code. Killing its process group, or it
   * alone, ends the container.
   */
  start(command: readonly string[], options: ContainedOptions = {}): ChildProcess {
    const { cwd = WORK, env = ENVIRONMENT, files = {}, ...streams } = options;
    started += 1;
    const name = `openshell-test-${process.pid}-${started}`;
    const scratch = new Scratch('container');
    scratch.atTheEnd(() => forget(name));
    try {
      const bundle = scratch.directory('bundle');
      writeBundle(bundle, this.#spec, { command, cwd, env }, inUserNamespace);
      const last = Math.max(2, ...Object.keys(files).map(Number));
      const words = runtimeCommand(name, bundle, scratch.directory('state'), last - 2);
      const around = { cwd: scratch.path, env: cleanEnvironment(scratch.path, scratch.path) };
      const child = start(words, { ...streams, files, ...around });
      for (const end of ['error', 'close']) child.once(end, () => scratch.remove());
      return child;
    } catch (error) {
      scratch.remove();
      throw error;
    }
  }

  async run(command: readonly string[], options: ContainedOptions = {}): Promise<Outcome> {
    return ended(this.start(command, options), options.limitMs);
  }
}

export function runInContainer({ profile, mounts, network, command, timeoutMs, ...options }: ContainerRun) {
  const container = new Container({ profile, ...(mounts && { mounts }), ...(network && { network }) });
  return container.run(command, { ...options, ...(timeoutMs && { limitMs: timeoutMs }) });
}

/** Gives a directory and all that is in it to whoever runs in the containers; to an ordinary user it is given already. */
export function handOver(directory: string): void {
  if (inUserNamespace) return;
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  for (const name of ['.', ...names]) lchownSync(join(directory, name), CONTAINER_UID, CONTAINER_UID);
}
