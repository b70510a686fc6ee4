import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import type { Duplex } from 'node:stream';
import { beforeAll, describe, expect, it } from 'vitest';
import { frame, wordsFrame } from '../../src/launch/frames.ts';
import { encodePlan } from '../../src/plan/encode.ts';
import { MAX_DOCUMENT } from '../../src/plan/wire.ts';
import { isRoot } from '../programs/support/host.ts';
import { allProcesses, descendantsOf, processOf } from '../programs/support/processes.ts';
import { useScratch } from '../programs/support/scratch.ts';
import { until } from '../programs/support/waiting.ts';
import { launchAndWait } from './support/launching.ts';
import { LAUNCHER, notBuilt, payloadOf, planOf, requestOf, utf8 } from './support/plans.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const { SIGINT, SIGTERM, SIGUSR1 } = constants.signals;

let document: Uint8Array;
let launchFrame: Buffer;
beforeAll(() => {
  if (notBuilt !== null) return;
  const plan = planOf(here);
  document = encodePlan(plan, utf8);
  launchFrame = frame('launch', payloadOf(plan, requestOf(['/bin/sleep', '60'])));
});

/** A launcher whose control socket the test holds. */
function warden(): { child: ChildProcess; control: Duplex; ended: Promise<number | null> } {
  const child = spawn(LAUNCHER, ['warden'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], env: {} });
  const control = child.stdio[3] as Duplex;
  control.on('error', () => {}); // it may end before it has read everything
  control.resume();
  return { child, control, ended: new Promise((resolve) => child.once('exit', (code) => resolve(code))) };
}

const header = (length: number, type: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(length >>> 0, 0);
  bytes.writeUInt32LE(type >>> 0, 4);
  return bytes;
};

describe.skipIf(notBuilt !== null)(
  'INV-05 the launcher takes nothing but its role from arguments, and its plan from one socket',
  () => {
    it.each([[[]], [['--help']], [['warden', '--policy=x']], [['init']], [['probe', 'x']], [['']]])(
      'with arguments %j it says what it is, and ends with 2',
      (args) => {
        const done = spawnSync(LAUNCHER, args, { encoding: 'utf8', env: {} });
        expect(done).toMatchObject({ status: 2, stdout: '' });
        expect(done.stderr).toContain('is started by openshell, not by hand');
      },
    );

    it('as a warden without a socket, it ends', () => {
      expect(spawnSync(LAUNCHER, ['warden'], { stdio: 'ignore', timeout: 10_000, env: {} }).status).toBe(1);
    });

    const all = 127;
    it.each([
      ['nothing', () => Buffer.alloc(0)],
      ['half a header', () => Buffer.from([1, 2, 3])],
      ['random bytes', () => Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 37) & 255))],
      ['a frame of a type that comes later', () => wordsFrame('signal', SIGTERM, 0)],
      ['a launch without a plan', () => header(0, 1)],
      ['a launch that is cut off', () => launchFrame.subarray(0, 1000)],
      ['a launch that is too large', () => header(MAX_DOCUMENT + 1, 1)],
      ['a launch of the largest possible length', () => header(0xffff_ffff, 1)],
      ['a preparation of another length', () => Buffer.concat([header(8, 6), Buffer.alloc(8)])],
      ['a preparation and then nothing', () => wordsFrame('prepare', all)],
      ['two preparations', () => Buffer.concat([wordsFrame('prepare', all), wordsFrame('prepare', all)])],
      [
        'a preparation and then another frame',
        () => Buffer.concat([wordsFrame('prepare', all), wordsFrame('kill')]),
      ],
      [
        'a preparation and half a launch',
        () => Buffer.concat([wordsFrame('prepare', all), launchFrame.subarray(0, 1000)]),
      ],
    ])('told %s, it ends and leaves no process', async (_what, bytes) => {
      const { child, control, ended } = warden();
      control.end(bytes());
      expect(await ended).not.toBe(0);
      // The warden leads a session of its own, in which init is as well.
      await until('its processes are gone', () =>
        allProcesses().every(({ session, state }) => session !== child.pid || state === 'Z'),
      );
    });
  },
);

describe.skipIf(notBuilt !== null)('a running launcher', () => {
  const running = async () => {
    const { child, control, ended } = warden();
    control.write(launchFrame);
    await until('the program runs', () => descendantsOf(child.pid!).some(({ name }) => name === 'sleep'));
    const inside = descendantsOf(child.pid!).map(({ pid }) => pid);
    const gone = () =>
      until('all of it is gone', () => inside.every((pid) => (processOf(pid)?.state ?? 'Z') === 'Z'), 5000);
    return { child, control, ended, gone };
  };

  it.each([
    ['is told to kill', () => wordsFrame('kill')],
    ['is told something unknown', () => header(0, 4711)],
    [
      'is told more than a command may hold',
      () => Buffer.concat([header(1_000_000, 2), Buffer.alloc(20_000)]),
    ],
    ['is told to launch again', () => launchFrame],
  ])('ends the sandbox when it %s', async (_what, bytes) => {
    const { control, ended, gone } = await running();
    control.write(bytes());
    expect(await ended).toBe(0);
    await gone();
  });

  it('ends the sandbox when its supervisor is gone', async () => {
    const { control, ended, gone } = await running();
    control.destroy();
    await ended;
    await gone();
  });

  it('leaves nothing when it is killed itself', async () => {
    const { child, ended, gone } = await running();
    child.kill('SIGKILL');
    await ended;
    await gone();
  });

  it('cannot be ended by the signals that a user may send it by mistake', async () => {
    const { child, control, ended } = await running();
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGPIPE', 'SIGUSR1', 'SIGALRM'] as const)
      child.kill(name);
    await until('it still runs', () => descendantsOf(child.pid!).some(({ name }) => name === 'sleep'));
    expect(child.exitCode ?? child.signalCode).toBe(null);
    control.write(wordsFrame('kill'));
    await ended;
  });

  it.each(['0', '99', '-1', '64'])('is not disturbed by signal number %s', async (number) => {
    const { control, ended } = await running();
    control.write(wordsFrame('signal', Number(number), 0));
    control.write(wordsFrame('resize'));
    control.write(wordsFrame('verdict', 1, 2, 3, 4));
    control.write(wordsFrame('signal', SIGTERM, 0));
    await ended;
  });
});

describe.skipIf(notBuilt !== null)('a signal that is sent right behind the launch', () => {
  const send = (number: number, scope: 'main' | 'group') =>
    launchAndWait({ document, request: requestOf(['/bin/sleep', '2']), signal: { number, scope } });

  it.each([
    ['SIGTERM', SIGTERM],
    ['SIGUSR1', SIGUSR1],
  ])('%s to the program ends it, however early it comes', async (_name, number) => {
    for (let i = 0; i < 10; i += 1) {
      const { reports } = await send(number, 'main');
      expect(reports.at(-1)).toEqual({ kind: 'exited', code: 0, signal: number });
    }
  });

  // The group does not exist before the program's process has called setsid(2).
  it('SIGINT to its group ends it, however early it comes', async () => {
    for (let i = 0; i < 20; i += 1) {
      const { reports } = await send(SIGINT, 'group');
      expect(reports.at(-1)).toEqual({ kind: 'exited', code: 0, signal: SIGINT });
    }
  });
});

describe.skipIf(notBuilt !== null || isRoot)('namespaces that were made in advance', () => {
  it.each([
    [
      'the ones that the plan wants',
      { user: true, mount: true, pid: true, ipc: true, uts: true, cgroup: true, network: true },
    ],
    [
      'fewer than the plan wants',
      { user: true, mount: true, pid: true, ipc: true, uts: true, cgroup: true, network: false },
    ],
    [
      'only one of them',
      { user: true, mount: false, pid: false, ipc: false, uts: false, cgroup: false, network: false },
    ],
  ])('give the same sandbox when they are %s', async (_what, namespaces) => {
    const count = '[ "$(ls -d /proc/[0-9]* | wc -l)" -lt 6 ] && [ "$(wc -l < /proc/net/dev)" = 3 ]';
    const request = requestOf(['/bin/sh', '-c', count]);
    const { reports, problem } = await launchAndWait({ document, request, namespaces });
    expect(problem).toBe(null);
    expect(reports.at(-1)).toEqual({ kind: 'exited', code: 0, signal: 0 });
  });
});
