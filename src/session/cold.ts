/**
 * What a run needs only when it was not prepared before, or when its program first uses the network. It is bundled
 * into a file of its own (tools/build.mjs), so that the usual start does not pay for reading it.
 */
export { compile } from '../compile/compile.ts';
export { pathsOfInterest } from '../compile/questions.ts';
export { parsePolicy } from '../policy/check.ts';
export { Mediation } from './mediation.ts';
export { sha256 } from './digest.ts';
