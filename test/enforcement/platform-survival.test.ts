/** INV-10 without namespaces: what is left when the warden is killed from outside, or init from inside, is confined or gone. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ended } from '../support/command.ts';
import { Listeners } from '../support/listeners.ts';
import { descendantsOf, eventually, isAlive, named } from '../support/processes.ts';
import { platformUnavailable } from './platform.ts';
import { Workplace } from './workplace.ts';

const STAY = 'while :; do sleep 1; done';
/** Rounds of attempts after a part was killed. */
const ROUNDS = 10;
/** Longer than it takes to start, to kill and to look. */
const FLIGHT_MS = 5000;

describe.skipIf(platformUnavailable !== null)('INV-10 in the platform tier', () => {
  let place: Workplace;
  let listeners: Listeners;
  let roaming: (tag: string, log: string) => string;
  let tag = '';
  let log = '';
  let count = 0;

  beforeAll(async () => {
    place = new Workplace('platform-survival', 'platform');
    listeners = new Listeners();
    const outside = place.scratch.directory('outside');
    const socket = join(outside, 'socket');
    const port = await listeners.tcp('tcp', '127.0.0.1');
    await listeners.unix('unix', socket);
    const secret = place.write('secret', 'secret\n', outside);
    roaming = (name, path) => `"$0" roam ${name} ${port} ${socket} ${secret} ${process.pid} ${path}`;
  });
  afterAll(() => {
    listeners?.close();
    place?.remove();
  });
  beforeEach(() => {
    count += 1;
    tag = `roam-${process.pid % 100_000}-${count}`;
    log = join(place.project, `log-${count}`);
    listeners.reached.length = 0;
  });
  afterEach(() => {
    for (const pid of named(tag)) process.kill(pid, 'SIGKILL');
  });

  const rounds = (): string[] => linesOf(log);
  const started = async (before = ''): Promise<ChildProcess> => {
    const child = inSandbox(`${roaming(tag, log)}; ${before}${STAY}`);
    expect(await eventually(() => rounds().length > 0)).toBe(true);
    return child;
  };
  const inSandbox = (script: string, ...options: string[]): ChildProcess =>
    place.start(
      ['--quiet', '--network', 'proxy', '--allow', 'ok.test', ...options],
      ['/bin/sh', '-c', script, place.probe],
    );
  /** Nothing worked, in any round, and nobody outside has heard of it. */
  const expectConfined = (): void => {
    for (const line of rounds())
      expect(line).toMatch(/^tcp [1-9]\d* unix [1-9]\d* read [1-9]\d* write [1-9]\d* kill [1-9]\d*$/);
    expect(listeners.reached).toEqual([]);
  };
  const goneOrManyRounds = async (): Promise<void> => {
    const before = rounds().length;
    const seen = await eventually(() => named(tag).length === 0 || rounds().length > before + ROUNDS);
    expect(seen, 'it neither ends nor goes on').toBe(true);
  };

  it.each([
    ['the warden is killed', ''],
    ['init was stopped from inside, and the warden is killed', 'kill -STOP $PPID; '],
  ])('nothing is reached after %s', async (_what, before) => {
    const child = await started(before);
    const finished = ended(child);
    const [warden, init] = descendantsOf(child.pid!);
    if (before !== '') await eventually(() => stateOf(init!) === 'T');
    process.kill(warden!, 'SIGKILL');
    await goneOrManyRounds();
    expectConfined();
    expect((await finished).code).toBe(125);
    expectConfined();
  });

  // Its init dies with the warden, and nobody is left to kill those that left init's tree.
  it('no process is left after the warden is killed', async () => {
    const child = await started();
    process.kill(descendantsOf(child.pid!)[0]!, 'SIGKILL');
    await ended(child);
    expect(await eventually(() => named(tag).length === 0, 2000)).toBe(true);
  });

  it.each(['KILL', 'TERM', 'INT', 'SEGV', 'HUP'])(
    'SIG%s to init from inside ends the sandbox or does nothing, and leaves no process',
    async (signal) => {
      const child = inSandbox(`${roaming(tag, log)}; kill -${signal} $PPID; sleep 0.5; exit 7`);
      const { code } = await ended(child);
      if (signal === 'KILL') expect(code).toBe(125);
      expect(await eventually(() => named(tag).length === 0)).toBe(true);
      expectConfined();
    },
  );

  it.each([
    ['init is killed from inside', 'sleep 0.3; kill -KILL $PPID; sleep 0.5; exit 7', 125],
    ['the program ends', 'sleep 0.3; exit 3', 3],
  ])('no process outruns the end, when %s', async (_what, end, code) => {
    const child = inSandbox(`"$0" flee ${log} 2 ${FLIGHT_MS}; ${end}`);
    expect((await ended(child)).code).toBe(code);
    const size = sizeOf(log);
    expect(size).toBeGreaterThan(10);
    await sleep(200);
    expect(sizeOf(log)).toBe(size);
  });

  it('no process outruns the warden, when the supervisor is killed', async () => {
    const child = inSandbox(`"$0" flee ${log} 2 ${FLIGHT_MS}; ${STAY}`);
    expect(await eventually(() => sizeOf(log) > 10)).toBe(true);
    const begin = performance.now();
    process.kill(child.pid!, 'SIGKILL');
    await ended(child);
    for (let last = -1; last !== sizeOf(log); await sleep(200)) last = sizeOf(log);
    expect(performance.now() - begin).toBeLessThan(FLIGHT_MS / 2);
  });

  it('every process is gone when the supervisor is killed, though init was stopped from inside', async () => {
    const child = await started('kill -STOP $PPID; ');
    const all = descendantsOf(child.pid!);
    await eventually(() => stateOf(all[1]!) === 'T');
    process.kill(child.pid!, 'SIGKILL');
    await ended(child);
    expect(await eventually(() => !all.some(isAlive) && named(tag).length === 0)).toBe(true);
    expectConfined();
  });

  it('the time is over for those who stopped init, too', async () => {
    const script = `${roaming(tag, log)}; kill -STOP $PPID; ${STAY}`;
    const { code } = await ended(inSandbox(script, '--timeout', '1s'));
    expect(code).toBe(124);
    expect(await eventually(() => named(tag).length === 0)).toBe(true);
    expectConfined();
  });

  // The last: whom it reached may say so later.
  it('without a sandbox every attempt works', async () => {
    await place.onHost(['/bin/sh', '-c', roaming(tag, log), place.probe]);
    expect(await eventually(() => rounds().length > 0)).toBe(true);
    expect(rounds()[0]).toBe('tcp 0 unix 0 read 0 write 0 kill 0');
  });
});

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(0, -1);
  } catch {
    return []; // it has not begun
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** One letter of proc(5). */
function stateOf(pid: number): string {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2)[0]!;
}
