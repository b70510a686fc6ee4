/** What the runs of a probe come to. */
import { ERRNOS } from '../../src/kernel/errno.ts';
import { errnoOf, isBroken, type Result, type Results, worked } from './jobs.ts';
import type { Probe, Proof, Terms } from './probe.ts';
import { MARKER } from './trials.ts';

/** One map per kind of run; a probe is in those that were needed to find its proof. */
export interface Runs {
  readonly sandbox: Results;
  readonly control: Results;
  readonly userns: Results;
  readonly marker: Results;
}

/** The strongest proof that there is, or null: the probe shows nothing. */
export function proofOf({ id }: Probe, { control, userns, marker }: Runs): Proof | null {
  const works = (results: Results): boolean => {
    const result = results.get(id);
    return result !== undefined && worked(result);
  };
  if (works(control)) return 'control';
  if (works(userns)) return 'userns-control';
  const marked = marker.get(id);
  return marked !== undefined && errnoOf(marked) === MARKER ? 'marker' : null;
}

/** What is wrong with how the sandbox took the attack, or null. `anyErrno`: which errno it answers does not matter. */
export function faultOf({ errno }: Pick<Terms, 'errno'>, result: Result, anyErrno = false): string | null {
  if (worked(result)) return 'the attack works';
  if (result.late) return 'it did not end in time';
  if (isBroken(result)) return `the attempt itself failed: ${result.output}`;
  if (errno === undefined || anyErrno) return null;
  const answered = errnoOf(result);
  return answered === ERRNOS[errno]
    ? null
    : `the answer is errno ${answered}, not ${errno} (${ERRNOS[errno]})`;
}
