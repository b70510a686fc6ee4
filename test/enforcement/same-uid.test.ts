/**
 * Without namespaces the warden, the supervisor, init and the user's other processes are of the same user as the workload,
 * and their numbers are known to it: what holds them is Landlock, the system call filter and that they cannot be dumped.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERRNOS, errnoName } from '../../src/kernel/errno.ts';
import { HOST_ARCH } from '../differential/kernel.ts';
import { ended, type Outcome, start } from '../support/command.ts';
import { below, eventually } from '../support/processes.ts';
import { platformUnavailable } from './platform.ts';
import { OBJECTS, ON_A_CHILD, type Row, SCHEDULING, SIGNALS, TRACING, VICTIMS } from './same-uid-rows.ts';
import { Workplace } from './workplace.ts';

const ON_PROCESSES = [...TRACING, ...SCHEDULING, ...SIGNALS];
/** Seen from outside, whom the program took for whom. */
type Found = Readonly<Record<string, number | undefined>>;

let place: Workplace;
let control: ReadonlyMap<string, number>;
let inside: ReadonlyMap<string, number>;
let saidByProgram: Found;
let seenFromOutside: Found;

describe.skipIf(platformUnavailable !== null)('the workload, of the same user, cannot', () => {
  beforeAll(async () => {
    place = new Workplace('same-uid', 'platform');
    control = resultsOf(await withoutSandbox());
    const { outcome, seen } = await withSandbox();
    seenFromOutside = seen;
    saidByProgram = pidsIn(outcome.stdout);
    inside = resultsOf(outcome);
  });
  afterAll(() => place?.remove());

  it('be said to be held when it attacks somebody else, or nobody', () => {
    expect(saidByProgram).toEqual(seenFromOutside);
    for (const victim of VICTIMS) expect(inside.get(`${victim}/there`)).toBe(0);
  });

  it('be said to be held where nothing works at all: on a child every signal does', () => {
    const failed = ON_A_CHILD.filter((attack) => inside.get(`child/${attack}`) !== 0);
    expect(failed).toEqual([]);
  });

  it('do what no row is about', () => {
    const known = new Set([
      ...VICTIMS.flatMap((victim) => ['there', ...ON_PROCESSES.map(named)].map((one) => `${victim}/${one}`)),
      ...OBJECTS.map(({ attack }) => `neighbour/${attack}`),
      ...SIGNALS.map(({ attack }) => `child/${attack}`),
    ]);
    expect([...inside.keys()].sort()).toEqual([...known].sort());
  });

  describe.each([
    ['as a tracer', TRACING, VICTIMS],
    ['by limits and priorities', SCHEDULING, VICTIMS],
    ['by signals and groups', SIGNALS, VICTIMS],
    ['by what the neighbour holds', OBJECTS, ['neighbour']],
  ] as const)('%s', (_title, rows, victims) => {
    for (const row of rows.filter(({ arch }) => arch === undefined || arch === HOST_ARCH)) {
      it(`${row.what} (${row.attack})`, () => {
        const faults = victims.flatMap((victim) => faultOf(row, victim));
        expect(faults).toEqual([]);
      });

      it(`be refused by chance only: ${row.attack}, without a sandbox`, () => {
        const found = control.get(`neighbour/${row.attack}`)!;
        const expected = row.control === 'works' ? 0 : ERRNOS[row.control.errno];
        if (row.dependsOn === undefined) expect(textOf(found)).toBe(textOf(expected));
      });
    }
  });
});

const named = ({ attack }: Row): string => attack;
const textOf = (errno: number): string => (errno === 0 ? 'works' : errnoName(errno));

function faultOf({ attack, inside: allowed, mayReach }: Row, victim: (typeof VICTIMS)[number]): string[] {
  const found = inside.get(`${victim}/${attack}`)!;
  if (found === 0 && mayReach?.victims.includes(victim) === true) return [];
  return allowed.some((name) => ERRNOS[name] === found) ? [] : [`${victim}: ${textOf(found)}`];
}

const KEY = 0x4f000000 + (process.pid & 0xffffff);

/** The words of the program that makes the neighbour and then starts another, which is told whom to attack. */
function words(kind: 'inside' | 'outside', before: readonly string[]): [string, ...string[]] {
  const key = String(kind === 'inside' ? KEY : KEY ^ 0x800000);
  const neighbour = [key, `openshell-${kind}-${process.pid}`, place.scratch.directory(`outside-${kind}`)];
  return [
    place.probe,
    'with-neighbour',
    ...neighbour,
    ...before,
    place.probe,
    'same-uid',
    kind,
    ...neighbour,
  ];
}

function withoutSandbox(): Promise<Outcome> {
  const cwd = place.scratch.directory('control');
  return ended(start(words('outside', []), { cwd, env: place.environment }));
}

/** Standard input is a Unix socket, as Node makes it: the program may ask who made it. */
async function withSandbox(): Promise<{ outcome: Outcome; seen: Found }> {
  const options = ['--quiet', '--network', 'proxy', '--allow', 'ok.test'];
  const child = start(words('inside', place.commandLine(options, [])), {
    cwd: place.project,
    env: place.environment,
    withInput: true,
  });
  let stdout = '';
  child.stdout!.on('data', (text) => {
    stdout += text;
  });
  const finished = ended(child);
  await Promise.race([finished, eventually(() => /^ready$/m.test(stdout))]);
  const seen = partsBelow(child.pid!);
  child.stdin!.on('error', () => {}); // it may have ended
  child.stdin!.end('go\n');
  return { outcome: await finished, seen };
}

/** The neighbour and the supervisor are the children of one process; each of the others is an only child. */
function partsBelow(top: number): Found {
  const all = below(top);
  const childrenOf = (parent: number | undefined): number[] =>
    all.filter((one) => one.parent === parent).map(({ pid }) => pid);
  const [session] = childrenOf(top);
  const [neighbour, supervisor] = childrenOf(session);
  const [warden] = childrenOf(supervisor);
  const [init] = childrenOf(warden);
  return { neighbour, init, warden, supervisor };
}

function pidsIn(stdout: string): Found {
  const lines = stdout.matchAll(/^pid (\w+) (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, victim, pid]) => [victim, Number(pid)]));
}

function resultsOf({ code, stdout, stderr }: Outcome): ReadonlyMap<string, number> {
  if (code !== 0) throw new Error(`it ended with ${code}\n${stdout.slice(-2000)}\n${stderr}`);
  const lines = stdout.matchAll(/^(\w+\/[\w-]+) (\d+)$/gm);
  return new Map([...lines].map(([, name, errno]) => [name!, Number(errno)]));
}
