/** Connects while a part of openshell stands still or dies: they wait no longer than a bound, and nothing gets through. */
import type { ChildProcess } from 'node:child_process';
import type { Server, Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ended } from '../support/command.ts';
import { below, descendantsOf, eventually, isAlive } from '../support/processes.ts';
import { ForbiddenServer, hostAddress, portOf, startGreeter } from './forbidden-server.ts';
import { inEachTier, Workplace } from './workplace.ts';

inEachTier((tier) => {
  /** VERDICT_MS in launcher/waiting.c, and what a busy machine adds. */
  const BOUND_MS = 40_000;

  let place: Workplace;
  let greeter: Server;
  let forbidden: ForbiddenServer;
  let options: string[];
  const open = new Set<Socket>();

  beforeAll(async () => {
    place = new Workplace('frozen', tier);
    forbidden = await ForbiddenServer.start();
    greeter = await startGreeter();
    greeter.on('connection', (socket: Socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
    });
    options = ['--quiet', '--network', 'proxy', '--allow', 'ok.test:7000'];
    options.push('--connect-to', `ok.test:7000:127.0.0.1:${portOf(greeter)}`);
  });
  afterAll(() => {
    place?.remove();
    for (const server of [greeter, forbidden]) server?.close();
  });
  afterEach(async () => {
    if (forbidden !== undefined) expect(await forbidden.reached()).toEqual([]);
  });

  interface Running {
    readonly child: ChildProcess;
    readonly supervisor: number;
    readonly warden: number;
    readonly all: readonly number[];
    /** What the program has written until now. */
    readonly output: () => string;
    readonly go: () => void;
  }

  /** A bash that is connected to the allowed server on descriptor 3 and waits for a line; then `script`. */
  async function connected(script: string): Promise<Running> {
    const text = `exec 3<>/dev/tcp/ok.test/7000; read -r line <&3; echo "$line"; read -r; ${script}`;
    const child = place.start(options, ['/bin/bash', '-c', text, place.probe], { withInput: true });
    let written = '';
    child.stdout!.on('data', (data) => {
      written += data;
    });
    if ((await eventually(() => written === 'hello\n')) === null)
      throw new Error(`not connected: ${written}`);
    const supervisor = child.pid!;
    const all = descendantsOf(supervisor);
    return {
      child,
      supervisor,
      warden: all[0]!,
      all,
      output: () => written.slice('hello\n'.length),
      go: () => child.stdin!.end('go\n'),
    };
  }

  const bad = (): string => `${hostAddress ?? '203.0.113.7'} ${forbidden.port}`;
  const probing = (child: ChildProcess): boolean => below(child.pid!).some(({ name }) => name === 'probe');

  describe('while the supervisor stands still', () => {
    it('a connect that nobody judged is refused after a bounded time, and a signal ends its wait before', async () => {
      const run = await connected(
        `timeout -s KILL 1 "$0" tcp ${bad()}; echo "killed $?"; "$0" userfaultfd; "$0" tcp ${bad()}; echo over`,
      );
      const finished = ended(run.child, 110_000);
      process.kill(run.supervisor, 'SIGSTOP');
      try {
        const began = performance.now();
        run.go();
        expect(await eventually(() => run.output().includes('killed'))).toBe(true);
        expect(performance.now() - began).toBeLessThan(10_000);
        expect(await eventually(() => run.output().endsWith('over\n'), BOUND_MS)).toBe(true);
        expect(run.output()).toMatch(/^killed 137\nerrno \d+\nerrno (13|110)\nover\n$/);
      } finally {
        process.kill(run.supervisor, 'SIGCONT');
      }
      const { code, stderr } = await finished;
      expect(code, stderr).toBe(0);
    });

    it('a connection that was handed over goes on, and what it was given for stays so', async () => {
      const run = await connected('echo x >&3 && echo sent');
      const finished = ended(run.child);
      process.kill(run.supervisor, 'SIGSTOP');
      try {
        run.go();
        expect(await eventually(() => run.output() === 'sent\n')).toBe(true);
      } finally {
        process.kill(run.supervisor, 'SIGCONT');
      }
      const { code, stderr } = await finished;
      expect(code, stderr).toBe(0);
    });
  });

  describe('when a part is killed while a connect waits for its verdict', () => {
    it.each(['warden', 'supervisor'] as const)(
      '%s: the program ends, and its connections with it',
      async (victim) => {
        const run = await connected(`"$0" tcp ${bad()}; echo survived; exec sleep 1000`);
        const finished = ended(run.child);
        expect(open.size).toBe(1);
        process.kill(run.supervisor, 'SIGSTOP');
        try {
          run.go();
          expect(await eventually(() => probing(run.child))).toBe(true);
          const all = descendantsOf(run.supervisor);
          process.kill(run[victim], 'SIGKILL');
          // The warden is a child of the supervisor, which cannot wait for it now: it is no longer alive all the same.
          expect(await eventually(() => !all.some(isAlive))).toBe(true);
          expect(await eventually(() => open.size === 0)).toBe(true);
        } finally {
          if (isAlive(run.supervisor)) process.kill(run.supervisor, 'SIGCONT');
        }
        await finished;
      },
    );
  });
});
