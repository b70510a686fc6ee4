/** Loaded late: what is needed when a program is refused something, cannot be started, or gets a cgroup. */
export { Cgroup } from '../launch/cgroup.ts';
export { syscallDenial, unixDenial } from './denials.ts';
export { describeFailure } from './failure.ts';
