/** Loaded late: when `--inference` is given. */
export { readRoutes, takeSecrets } from './inference.ts';
