/** Loaded late: at the first request to inference.local. */
export { createInferenceRouter } from './router.ts';
