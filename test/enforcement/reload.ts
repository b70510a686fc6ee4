/** A sandbox whose policy changes, with a client in it that is told what to do. */
import type { ChildProcess } from 'node:child_process';
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { OpenshellEvent } from '../../src/event/event.ts';
import type { Tier } from '../../src/plan/plan.ts';
import { ended, type Outcome, runCommand, start } from '../support/command.ts';
import { openshell } from '../support/product.ts';
import { eventsIn, unavailable, Workplace } from './workplace.ts';

const PYTHON = '/usr/bin/python3';
const CLIENT = fileURLToPath(new URL('reload-client.py', import.meta.url));

/** Why nothing of this can run here, or null. */
export const noReload = unavailable ?? (existsSync(PYTHON) ? null : 'no python3');

/** Answers everything with itself, by TCP and by UDP. */
export class EchoServer {
  readonly #server: Server;
  readonly #datagrams: DatagramSocket;
  readonly open = new Set<Socket>();

  private constructor(server: Server, datagrams: DatagramSocket) {
    this.#server = server;
    this.#datagrams = datagrams;
    server.on('connection', (socket) => {
      this.open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.open.delete(socket));
      socket.pipe(socket);
    });
    datagrams.on('message', (message, { port, address }) => datagrams.send(message, port, address));
  }

  static async start(): Promise<EchoServer> {
    const server = createServer().listen(0, '127.0.0.1');
    const datagrams = createSocket('udp4').bind(0, '127.0.0.1');
    await Promise.all([once(server, 'listening'), once(datagrams, 'listening')]);
    return new EchoServer(server, datagrams);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get datagramPort(): number {
    return this.#datagrams.address().port;
  }

  close(): void {
    for (const socket of this.open) socket.destroy();
    this.#server.close();
    this.#datagrams.close();
  }
}

/** The text of a policy that lets everybody reach these hosts. */
export const policyFor = (hosts: readonly string[], more = ''): string =>
  [
    'version: 1',
    ...(hosts.length === 0 ? [] : ['network_policies:', '  site:', '    endpoints:']),
    ...hosts.flatMap((host) => [
      `      - {host: ${host}, port: 7000}`,
      `      - {host: ${host}, port: 7001, protocol: udp}`,
    ]),
    ...(hosts.length === 0 ? [] : ['    binaries: [{path: "/**"}]']),
    more,
    '',
  ].join('\n');

export class Reloaded {
  readonly place: Workplace;
  readonly server: EchoServer;
  readonly policy: string;
  readonly events: string;
  readonly #child: ChildProcess;
  readonly outcome: Promise<Outcome>;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  private constructor(
    place: Workplace,
    server: EchoServer,
    options: readonly string[],
    before: readonly string[],
  ) {
    this.place = place;
    this.server = server;
    this.policy = join(place.scratch.path, 'policy', 'policy.yaml');
    this.events = join(place.scratch.path, 'events.jsonl');
    const vouched = ['a.test', 'b.test'].flatMap((host) => [
      '--connect-to',
      `${host}:7000:127.0.0.1:${server.port}`,
      '--connect-to',
      `${host}:7001:127.0.0.1:${server.datagramPort}`,
    ]);
    const wanted = [
      '--policy',
      this.policy,
      '--read',
      CLIENT,
      ...vouched,
      '--events',
      this.events,
      ...options,
    ];
    this.#child = start([...before, ...place.commandLine(wanted, [PYTHON, CLIENT])], {
      cwd: place.project,
      env: place.environment,
      withInput: true,
    });
    this.outcome = ended(this.#child);
    this.#reader = createInterface({ input: this.#child.stdout! });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** @param before another program that starts openshell */
  static async start(
    tier: Tier,
    options: readonly string[],
    text = policyFor(['a.test', 'b.test']),
    before: readonly string[] = [],
  ) {
    const place = new Workplace('reload', tier);
    place.write('policy.yaml', text, join(place.scratch.path, 'policy'));
    return new Reloaded(place, await EchoServer.start(), options, before);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** What the client says to a command. */
  async ask(...command: string[]): Promise<string> {
    this.#child.stdin!.write(`${command.join(' ')}\n`);
    return this.heard();
  }

  async heard(): Promise<string> {
    const { value } = await this.#lines.next();
    return value as string;
  }

  write(text: string): void {
    writeFileSync(this.policy, text);
  }

  /** As editors do it. */
  replace(text: string): void {
    writeFileSync(`${this.policy}.new`, text);
    renameSync(`${this.policy}.new`, this.policy);
  }

  reload(...args: string[]): Promise<Outcome> {
    return runCommand([...openshell(), 'policy', 'reload', ...args], {
      cwd: this.place.project,
      env: this.place.environment,
    });
  }

  reloads(): OpenshellEvent[] {
    return eventsIn(this.events).filter(({ type }) => type === 'reload');
  }

  /** When so many changes of the policy, or refusals of one, were recorded. */
  async reloaded(count: number): Promise<OpenshellEvent> {
    for (let i = 0; i < 1200; i += 1) {
      const found = this.reloads();
      if (found.length >= count) return found[count - 1]!;
      await sleep(25);
    }
    throw new Error(`no ${count} changes: ${JSON.stringify(this.reloads())}`);
  }

  async end(): Promise<Outcome> {
    this.#child.stdin!.end();
    return this.outcome;
  }

  async remove(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.outcome.catch(() => {});
    this.#reader.close();
    this.server.close();
    this.place.remove();
  }
}
