/** The probes as data: that each is well formed, that none is missing, and the page of the documentation about them. */
import { describe, expect, it } from 'vitest';
import { REFUSED } from '../../src/compile/seccomp-refused.ts';
import { expectMatrix } from './matrix.ts';
import { expectPage, pageOf } from './page.ts';
import { PROBES, SUBJECTS } from './probes/index.ts';

/** Calls that the design names and that are refused for some of their arguments only. */
const CONDITIONED = [
  'memfd_create',
  'prlimit',
  'sched_setaffinity',
  'sched_setscheduler',
  'sched_setparam',
  'sched_setattr',
  'setpriority',
  'ioprio_set',
  'migrate_pages',
  'move_pages',
  'tiocsti',
  'tioclinux',
  'clone',
  'clone3',
  'unshare',
  'openat2',
  'personality',
  'x32',
  'int80',
];

describe('the probes', () => {
  it('are many', () => {
    expect(PROBES.length).toBeGreaterThanOrEqual(120);
  });

  it('have names of their own', () => {
    const ids = PROBES.map(({ id }) => id);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
    expect(ids.filter((id) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id))).toEqual([]);
  });

  it('say which errno they expect where the filter is what proves them', () => {
    expect(PROBES.filter(({ proof, errno }) => proof === 'marker' && errno === undefined)).toEqual([]);
  });

  it('try every system call that is refused by name', () => {
    const calls = [...REFUSED.flatMap((row) => row.calls), ...CONDITIONED];
    const ids = PROBES.map(({ id }) => id);
    const missing = calls.filter((call) => {
      const name = call.replaceAll('_', '-');
      return !ids.some((id) => id === name || id.startsWith(`${name}-`));
    });
    expect(missing).toEqual([]);
  });

  it('are listed in docs/enforcement.md', () => {
    expectPage(pageOf(SUBJECTS));
  });

  it('are counted in docs/enforcement-matrix.md for every place', () => {
    expectMatrix();
  });

  it('have one answer in the platform tier, where they need nothing that it lacks', () => {
    const two = PROBES.filter(({ platform }) => platform !== undefined && Object.keys(platform).length !== 1);
    expect(two.map(({ id }) => id)).toEqual([]);
  });
});
