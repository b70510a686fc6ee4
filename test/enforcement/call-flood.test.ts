/** One sandbox keeps its warden busy with calls that are refused: others do not notice, and nothing is lost or grows. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ended, killGroup, type Outcome } from '../support/command.ts';
import { descendantsOf, eventually } from '../support/processes.ts';
import { portOf, startGreeter } from './forbidden-server.ts';
import { denialsIn, eventsIn, inEachTier, unavailable, Workplace } from './workplace.ts';

const THREADS = 64;
const CONNECTS = 200;
/** Node takes 50 MB with nothing to do, the warden 1. */
const SUPERVISOR_KB = 256 * 1024;
const WARDEN_KB = 8 * 1024;

inEachTier((tier) => {
  let place: Workplace;
  let greeter: Server;
  let unix: Server;
  let path: string;
  beforeAll(async () => {
    if (unavailable !== null) return;
    place = new Workplace('call-flood', tier);
    greeter = await startGreeter();
    path = join(place.scratch.directory('services'), 'socket');
    unix = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => unix.listen(path, resolve));
  });
  afterAll(() => {
    greeter?.close();
    unix?.close();
    if (path !== undefined) rmSync(path, { force: true });
    place?.remove();
  });
  const floods: ChildProcess[] = [];
  afterEach(() => {
    for (const child of floods.splice(0)) killGroup(child);
  });

  interface Flood {
    readonly child: ChildProcess;
    readonly end: () => Promise<Outcome>;
  }

  let runs = 0;

  /** A sandbox whose program floods until `end`, with its events in a file. Kinds are those of the probe. */
  async function flood(kinds: string, depth: number): Promise<Flood & { readonly events: string }> {
    runs += 1;
    const events = join(place.scratch.path, `flood-${runs}.jsonl`);
    const options = [
      '--quiet',
      '--network',
      'proxy',
      '--allow',
      'ok.test:7000',
      '--read',
      dirname(path),
      '--events',
      events,
    ];
    const child = place.start(
      options,
      [place.probe, 'call-flood', String(THREADS), path, kinds, String(depth)],
      {
        withInput: true,
      },
    );
    floods.push(child);
    let begun = false;
    child.stdout!.on('data', () => {
      begun = true;
    });
    const finished = ended(child);
    expect(await eventually(() => begun)).toBe(true);
    return {
      child,
      events,
      end: () => {
        child.stdin!.end();
        return finished;
      },
    };
  }

  /** The most memory that a process has had. */
  const peakKb = (pid: number): number =>
    Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

  interface Counts {
    readonly connects: number;
    readonly unix: number;
    readonly ptrace: number;
  }

  /** What the program counted. */
  function counted({ code, stdout, stderr }: Outcome): Counts {
    const form = /^flooding\nrefused connects (\d+) unix (\d+) ptrace (\d+) bind \d+ strange 0\nok\n$/;
    expect(stdout, stderr.slice(0, 2000)).toMatch(form);
    expect(code).toBe(0);
    const found = form.exec(stdout);
    const [connects, unix, ptrace] = found!.slice(1).map(Number);
    return { connects: connects!, unix: unix!, ptrace: ptrace! };
  }

  /** What the events count. */
  function recorded(file: string): Counts {
    const denials = denialsIn(eventsIn(file));
    const sum = (wanted: string): number =>
      denials.filter(({ layer }) => layer === wanted).reduce((all, { count }) => all + count, 0);
    return { connects: sum('egress'), unix: sum('unix'), ptrace: sum('syscalls') };
  }

  describe('while one sandbox floods its warden with calls', () => {
    it('another connects as it may, and each refusal of the first is in its events', async () => {
      const first = await flood('cupb', 0);
      const options = ['--quiet', '--network', 'proxy', '--allow', 'ok.test:7000'];
      options.push('--connect-to', `ok.test:7000:127.0.0.1:${portOf(greeter)}`);
      const each = 'exec 3<>/dev/tcp/ok.test/7000 && read -r line <&3 && echo "$line"; exec 3>&-';
      const second = await place.run(options, [
        '/bin/bash',
        '-c',
        `for i in {1..${CONNECTS}}; do ${each}; done`,
      ]);
      expect(second.stdout).toBe('hello\n'.repeat(CONNECTS));
      expect(second.code).toBe(0);
      expect(first.child.exitCode).toBeNull(); // it was at it all the time
      const [supervisor, warden] = [first.child.pid!, descendantsOf(first.child.pid!)[0]!].map(peakKb);
      const counts = counted(await first.end());
      expect(recorded(first.events)).toEqual(counts);
      expect(Math.min(...Object.values(counts))).toBeGreaterThan(THREADS);
      expect(supervisor).toBeLessThan(SUPERVISOR_KB);
      expect(warden).toBeLessThan(WARDEN_KB);
    });

    it('and its supervisor stands still for a while: nothing is lost, and neither of the two grows', async () => {
      const { child, end, events } = await flood('upb', 60);
      const warden = descendantsOf(child.pid!)[0]!;
      process.kill(child.pid!, 'SIGSTOP');
      await sleep(5000);
      expect(peakKb(warden)).toBeLessThan(WARDEN_KB);
      process.kill(child.pid!, 'SIGCONT');
      await sleep(500);
      expect(peakKb(child.pid!)).toBeLessThan(SUPERVISOR_KB);
      const counts = counted(await end());
      expect(recorded(events)).toEqual(counts);
    });
  });
});
