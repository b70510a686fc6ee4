/** Loaded late: preparing a run that was not prepared before. */
export { prepareAnew } from './prepare-anew.ts';
