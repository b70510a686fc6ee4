/**
 * Every probe of the suite, inside a sandbox and outside of it. What each one tries, and what proves that it is the
 * sandbox that refuses, stands in docs/enforcement.md.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOST_ARCH } from '../differential/kernel.ts';
import { isRoot, isRootRole, notBuilt } from '../support/product.ts';
import { type Result, type Results, worked } from './jobs.ts';
import type { ArenaName, Probe } from './probe.ts';
import { noCompiler } from './probe-program.ts';
import { PROBES, SUBJECTS } from './probes/index.ts';
import { snapshotOf } from './snapshot.ts';
import { CANARY, Trials } from './trials.ts';
import { faultOf, proofOf, type Runs } from './verdicts.ts';

const unavailable =
  notBuilt ?? noCompiler ?? (isRoot && !isRootRole ? 'root: OPENSHELL_TEST_ROLE=root' : null);
const ARENAS: readonly ArenaName[] = ['default', 'proxy', 'allow', 'no-netlink', 'nested', 'limited'];
const onThisMachine = ({ arch }: Probe): boolean => arch === undefined || arch === HOST_ARCH;
const probes = PROBES.filter(onThisMachine);
/** Root tries with its own rights only what an ordinary user may do as well: nothing that could harm the machine. */
const rootIsSafe = new Set(
  SUBJECTS.filter(({ safeAsRoot }) => safeAsRoot)
    .flatMap((subject) => subject.probes)
    .filter(({ proof }) => proof === 'control'),
);

describe.skipIf(unavailable !== null)('the workload cannot', () => {
  let trials: Trials;
  let runs: Runs;
  const canaries = new Map<ArenaName, Result>();
  let reached: readonly string[];
  let before: ReadonlyMap<string, string>;
  let after: ReadonlyMap<string, string>;

  beforeAll(async () => {
    trials = await Trials.make();
    const { places, surroundings } = trials;
    before = snapshotOf([places.home, places.outside, places.readOnly]);
    const sandbox = new Map<string, Result>();
    for (const arena of ARENAS) {
      const results = await trials.inSandbox(arena, inArena(arena, probes));
      for (const [id, result] of results) sandbox.set(id, result);
      canaries.set(arena, results.get(CANARY)!);
    }
    const marker = new Map<string, Result>();
    for (const arena of ARENAS) {
      const wanted = inArena(arena, probes).filter(({ errno }) => errno !== undefined);
      if (!wanted.some(({ proof }) => proof === 'marker')) continue;
      for (const [id, result] of await trials.withMarker(arena, wanted)) marker.set(id, result);
    }
    after = snapshotOf([places.home, places.outside, places.readOnly]);
    reached = [...surroundings.listeners.reached];
    const control = await outside((some, asRoot) => trials.control(some, asRoot), probes);
    const stubborn = probes.filter(({ id }) => !worked(control.get(id)!));
    const userns = await outside((some, asRoot) => trials.inUserNamespace(some, asRoot), stubborn);
    runs = { sandbox, marker, control, userns };
  });
  afterAll(() => trials?.remove());

  it.each(ARENAS)('be said to be held where nothing works at all: the %s sandbox is alive', (arena) => {
    expect(canaries.get(arena)).toMatchObject({ code: 0 });
  });

  describe.each(SUBJECTS)('$title', (subject) => {
    for (const probe of subject.probes.filter(onThisMachine)) {
      const test = probe.open === undefined ? it : it.fails;
      test(`${probe.what} (${probe.id})`, () => {
        // Started by root, the workload is a user who may do even less with root's files.
        const anyErrno = isRootRole && subject.safeAsRoot;
        expect(faultOf(probe, runs.sandbox.get(probe.id)!, anyErrno)).toBeNull();
      });

      it(`be refused by chance only: ${probe.id} is proved by ${probe.proof}`, () => {
        const found = proofOf(probe, runs);
        const seen = [runs.control, runs.userns, runs.marker].map((results) => results.get(probe.id)?.output);
        expect(found, `nothing proves it: ${JSON.stringify(seen)}`).not.toBeNull();
        // Root has rights that make more of it possible outside, and a host may differ from the one of the record.
        if (!isRootRole && probe.dependsOn === undefined) expect(found).toBe(probe.proof);
      });
    }
  });

  it('reach any server outside but the one that is allowed', () => {
    const isOpen = PROBES.some(({ id, open }) => id === 'unix-read-only' && open !== undefined);
    const expected = isOpen ? ['allowed', 'unix'] : ['allowed'];
    expect([...new Set(reached)].sort()).toEqual(expected);
  });

  it('change anything outside', () => {
    expect(after).toEqual(before);
  });

  const inArena = (name: ArenaName, some: readonly Probe[]): Probe[] =>
    some.filter(({ arena }) => arena === name);
});

async function outside(
  run: (some: readonly Probe[], asRoot: boolean) => Promise<Results>,
  some: readonly Probe[],
): Promise<Results> {
  const safe = some.filter((probe) => rootIsSafe.has(probe));
  const rest = some.filter((probe) => !rootIsSafe.has(probe));
  return new Map([...(await run(safe, true)), ...(await run(rest, false))]);
}
