/**
 * What a run needs only when it was not prepared before, or when its program first uses the network or is refused
 * something. It is bundled into a file of its own (tools/build.mjs), so that the usual start does not pay for reading it.
 */
export { parseAllow } from '../compile/allow.ts';
export { parseConnectTo } from '../egress/connect-to.ts';
export { Cgroup } from '../launch/cgroup.ts';
export { syscallDenial } from './denials.ts';
export { describeFailure } from './failure.ts';
export { Mediation } from './mediation.ts';
export { prepareAnew } from './prepare-anew.ts';
