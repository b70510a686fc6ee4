/** What a run could leave behind on this host, as sets that can be compared. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allProcesses, argumentsOf } from '../../programs/support/processes.ts';

export type Traces = Readonly<Record<string, readonly string[]>>;

/**
 * @param mark part of the path of openshell or of the arguments of its programs: other processes of this host are none
 *   of our business
 * @param directories that should look the same afterwards, file by file
 */
export function tracesOf(mark: string, directories: readonly string[]): Traces {
  return {
    processes: allProcesses()
      .filter(
        ({ pid }) => pid !== process.pid && argumentsOf(pid).some((argument) => argument.includes(mark)),
      )
      .map(({ pid, name, state }) => `${name} ${pid} ${state}`),
    zombies: allProcesses()
      .filter(({ parent, state }) => parent === process.pid && state === 'Z')
      .map(({ name }) => name),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n'),
    descriptors: readdirSync('/proc/self/fd')
      .flatMap((fd) => linkOf(`/proc/self/fd/${fd}`))
      .sort(),
    sockets: readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .filter((line) => line.includes(mark)),
    temporary: readdirSync(tmpdir())
      // Those of tests, which others may run at the same time, begin with `openshell-`.
      .filter((name) => /^\.?openshell(?!-)/.test(name))
      .sort(),
    files: directories.flatMap((directory) => filesIn(directory)),
  };
}

function linkOf(path: string): string[] {
  try {
    // Pipes and sockets of the test runner come and go.
    return [readlinkSync(path)].filter((link) => link.startsWith('/'));
  } catch {
    return [];
  }
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => !lstatSync(path).isDirectory())
    .sort();
}
