/** Loaded late: preparing a run that was not prepared before. */
export { prepareAndRemember } from './prepare-anew.ts';
