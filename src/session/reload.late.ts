/** Loaded late: a change of policy while a program runs, and who may ask for one. */
export { serveClient } from './control-protocol.ts';
export { PolicyReloader, reachProblem } from './policy-reloader.ts';
export { PolicyWatch } from './policy-watch.ts';
