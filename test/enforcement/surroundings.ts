/** What waits outside of the sandboxes: servers, a process to be signalled, objects of IPC, files in shared places. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { UserIds } from '../support/command.ts';
import { Listeners } from '../support/listeners.ts';
import type { Scratch } from '../support/scratch.ts';

/** Nobody listens there; for an address that this host does not have. */
const NOBODY = 9;

export class Surroundings {
  readonly listeners = new Listeners();
  /** For the scripts, by name. */
  readonly variables: Record<string, string> = {};
  /** A read-only directory of Unix sockets, and the number of the process to be signalled. */
  readonly listed: string;
  /** Port of `allowed.test`. */
  allowedPort = NOBODY;
  readonly #children: ChildProcess[] = [];

  private constructor(scratch: Scratch) {
    this.listed = scratch.directory('listed');
    scratch.atTheEnd(() => this.#close());
  }

  /** @param owner of the processes, where it is not whoever runs the tests */
  static async make(scratch: Scratch, probe: string, owner: UserIds | null): Promise<Surroundings> {
    const made = new Surroundings(scratch);
    const tag = `openshell-probe-${process.pid}`;
    await made.#servers(scratch);
    await made.#processes(probe, tag, owner);
    made.#sharedFiles(scratch, tag);
    made.variables['HOSTNAME_OUTSIDE'] = hostname();
    return made;
  }

  async #servers(scratch: Scratch): Promise<void> {
    const { listeners, variables } = this;
    const host = hostAddress();
    const sockets = scratch.directory('sockets');
    mkdirSync(join(this.listed, 'hidden'));
    this.allowedPort = (await listeners.tcp('allowed', '127.0.0.1')) ?? NOBODY;
    const ports: Record<string, number | null> = {
      TCP4: await listeners.tcp('tcp', '127.0.0.1'),
      TCP4_OTHER: await listeners.tcp('tcp other', '0.0.0.0'),
      TCP6: await listeners.tcp('tcp 6', '::1'),
      TCP_HOST: host === null ? null : await listeners.tcp('tcp host', host),
      UDP4: await listeners.udp('udp', '127.0.0.1'),
      UDP6: await listeners.udp('udp 6', '::1'),
      UDP_HOST: host === null ? null : await listeners.udp('udp host', host),
      DNS_UDP: await listeners.udp('dns', '127.0.0.53'),
      DNS_TCP: await listeners.tcp('dns tcp', '127.0.0.53'),
    };
    for (const [name, port] of Object.entries(ports)) variables[name] = String(port ?? NOBODY);
    variables['HOST_ADDRESS'] = host ?? '127.0.0.1';
    for (const directory of [sockets, this.listed, join(this.listed, 'hidden')])
      await listeners.unix('unix', join(directory, 'socket'));
    Object.assign(variables, { SOCKETS: sockets, LISTED: this.listed });
  }

  /** Both end with their standard input, so also when the test run is killed. */
  async #processes(probe: string, tag: string, owner: UserIds | null): Promise<void> {
    const as = owner ?? {};
    const victim = spawn(probe, ['be-deaf'], { stdio: ['pipe', 'ignore', 'ignore'], ...as });
    const key = 0x4f000000 + (process.pid & 0xffffff);
    const words = ['hold', String(key), `/${tag}`, `@${tag}`];
    const holder = spawn(probe, words, { stdio: ['pipe', 'pipe', 'inherit'], ...as });
    this.#children.push(victim, holder);
    await once(holder.stdout, 'data');
    holder.stdout.on('data', () => this.listeners.reached.push('abstract'));
    writeFileSync(join(this.listed, 'victim'), `${victim.pid}\n`);
    Object.assign(this.variables, {
      IPC_KEY: String(key),
      IPC_QUEUE: `/${tag}`,
      ABSTRACT: `@${tag}`,
    });
  }

  #sharedFiles(scratch: Scratch, tag: string): void {
    for (const [name, directory] of [
      ['TMPFILE', '/tmp'],
      ['SHMFILE', '/dev/shm'],
    ] as const) {
      const path = join(directory, tag);
      writeFileSync(path, 'shared\n');
      scratch.atTheEnd(() => rmSync(path, { force: true }));
      this.variables[name] = path;
    }
  }

  #close(): void {
    this.listeners.close();
    for (const child of this.#children) child.stdin?.destroy();
  }
}

/** An IPv4 address of this host that is not loopback; what is sent to it by this host stays on loopback all the same. */
function hostAddress(): string | null {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? null;
}
