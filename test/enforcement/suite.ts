/**
 * The suite in a place: every probe, inside a sandbox there and outside of it. What each one tries, and what proves that
 * it is the sandbox that refuses, stands in docs/enforcement.md.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOST_ARCH } from '../differential/kernel.ts';
import { isRootRole } from '../support/product.ts';
import { errnoOf, type Result, type Results, worked } from './jobs.ts';
import { expectRow } from './matrix.ts';
import type { Place } from './place.ts';
import { ARENAS, type ArenaName, type Probe, termsOf } from './probe.ts';
import { PROBES, SUBJECTS } from './probes/index.ts';
import { snapshotOf } from './snapshot.ts';
import { CANARY, ENDED, Trials } from './trials.ts';
import { faultOf, proofOf, type Runs } from './verdicts.ts';

const onThisMachine = ({ arch }: Probe): boolean => arch === undefined || arch === HOST_ARCH;
const probes = PROBES.filter(onThisMachine);
/** Root tries with its own rights only what an ordinary user may do as well: nothing that could harm the machine. */
const safeSubjects = SUBJECTS.filter(({ safeAsRoot }) => safeAsRoot);
const safeAsRoot = new Set(safeSubjects.flatMap((subject) => subject.probes));
const rootIsSafe = (probe: Probe): boolean => safeAsRoot.has(probe) && probe.proof === 'control';

export function enforcementSuite(place: Place): void {
  const { tier, unavailable } = place;
  const isContained = place.container !== null;
  const lacking = (probe: Probe): boolean => termsOf(probe, tier).lacks !== undefined;
  const isOpen = (probe: Probe): boolean => termsOf(probe, tier).open !== undefined;
  const isAlone = ({ counted }: Probe): boolean => isContained && counted === true;
  const isHeld = (probe: Probe): boolean => !lacking(probe) && !isOpen(probe) && !isAlone(probe);
  const fault = (probe: Probe, { sandbox, control }: Runs): string | null => {
    const result = sandbox.get(probe.id)!;
    // Started by root, the workload is a user who may do even less with root's files. And a container has a word in it.
    const anyErrno =
      (isRootRole && safeAsRoot.has(probe)) || (isContained && refusedAlike(result, control.get(probe.id)!));
    return faultOf(termsOf(probe, tier), result, anyErrno);
  };
  const skipped = unavailable === null ? '' : ` (skipped: ${unavailable})`;

  describe.skipIf(unavailable !== null)(`${place.name}: the workload cannot${skipped}`, () => {
    let trials: Trials;
    let runs: Runs;
    const canaries = new Map<ArenaName, Result>();
    let reached: readonly string[];
    let before: ReadonlyMap<string, string>;
    let after: ReadonlyMap<string, string>;

    beforeAll(async () => {
      trials = await Trials.make(place);
      const { places, surroundings } = trials;
      before = snapshotOf([places.home, places.outside, places.readOnly]);
      const sandbox = new Map<string, Result>();
      for (const arena of ARENAS) {
        const results = await trials.inSandbox(arena, inArena(arena, probes.filter(isHeld)));
        for (const [id, result] of results) sandbox.set(id, result);
        canaries.set(arena, results.get(CANARY)!);
      }
      const marker = new Map<string, Result>();
      for (const arena of isContained ? [] : ARENAS) {
        const wanted = inArena(arena, probes).filter((probe) => isHeld(probe) && probe.errno !== undefined);
        if (!wanted.some(({ proof }) => proof === 'marker')) continue;
        for (const [id, result] of await trials.withMarker(arena, wanted)) marker.set(id, result);
      }
      after = snapshotOf([places.home, places.outside, places.readOnly]);
      reached = [...surroundings.listeners.reached];
      for (const probe of probes.filter(isAlone)) sandbox.set(probe.id, await trials.alone(probe));
      for (const arena of ARENAS) {
        const wanted = inArena(arena, probes).filter((probe) => lacking(probe) || isOpen(probe));
        if (wanted.length === 0) continue;
        for (const [id, result] of await trials.notHeld(arena, wanted)) sandbox.set(id, result);
      }
      const control = await outside((some, asRoot) => trials.control(some, asRoot), probes);
      const stubborn = isContained ? [] : probes.filter(({ id }) => !worked(control.get(id)!));
      const userns = await outside((some, asRoot) => trials.inUserNamespace(some, asRoot), stubborn);
      runs = { sandbox, marker, control, userns };
    });
    afterAll(() => trials?.remove());

    it.each(ARENAS)('be said to be held where nothing works at all: the %s sandbox is alive', (arena) => {
      expect(canaries.get(arena)).toMatchObject({ code: 0 });
    });

    describe.each(SUBJECTS)('$title', (subject) => {
      const here = subject.probes.filter(onThisMachine);
      for (const probe of here.filter((one) => !lacking(one))) {
        const test = isOpen(probe) ? it.fails : it;
        test(`${probe.what} (${probe.id})`, () => {
          expect(fault(probe, runs)).toBeNull();
        });

        // In a container, the container refuses as well: the proofs are those of the host.
        it.skipIf(isContained)(`be refused by chance only: ${probe.id} is proved by ${probe.proof}`, () => {
          const found = proofOf(probe, runs);
          const seen = [runs.control, runs.userns, runs.marker].map(
            (results) => results.get(probe.id)?.output,
          );
          expect(found, `nothing proves it: ${JSON.stringify(seen)}`).not.toBeNull();
          // Root has rights that make more of it possible outside, and a host may differ from the one of the record.
          if (!isRootRole && probe.dependsOn === undefined) expect(found).toBe(probe.proof);
        });
      }

      for (const probe of here.filter(lacking))
        it(`be kept from it without a ${termsOf(probe, tier).lacks}: ${probe.what} (${probe.id})`, () => {
          const inside = worked(runs.sandbox.get(probe.id)!);
          if (isContained) expect(inside).toBe(worked(runs.control.get(probe.id)!));
          else expect(inside).toBe(true);
        });
    });

    it.runIf(isContained)('blame the container: what is there to attack in it is there', () => {
      const plain = [...safeAsRoot].filter(
        ({ proof, dependsOn }) => proof === 'control' && dependsOn === undefined,
      );
      const idle = plain.filter(({ id }) => !worked(runs.control.get(id)!));
      expect(idle.map(({ id }) => id)).toEqual([]);
    });

    it('reach any server outside but the one that is allowed', () => {
      expect([...new Set(reached)].sort()).toEqual(['allowed']);
    });

    it('change anything outside', () => {
      expect(after).toEqual(before);
    });

    it.skipIf(HOST_ARCH !== 'x86_64')('do more than docs/enforcement-matrix.md says', () => {
      expectRow(place, probes, (probe) => !lacking(probe) && fault(probe, runs) === null);
    });
  });
}

/** The container gives the same answer to it without a sandbox, or the sandbox is no more. */
const refusedAlike = (inside: Result, outside: Result): boolean =>
  inside.output === ENDED || (!worked(outside) && errnoOf(inside) === errnoOf(outside));

const inArena = (name: ArenaName, some: readonly Probe[]): Probe[] =>
  some.filter(({ arena }) => arena === name);

async function outside(
  run: (some: readonly Probe[], asRoot: boolean) => Promise<Results>,
  some: readonly Probe[],
): Promise<Results> {
  const rest = some.filter((probe) => !rootIsSafe(probe));
  return new Map([...(await run(some.filter(rootIsSafe), true)), ...(await run(rest, false))]);
}
