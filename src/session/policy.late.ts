/** Loaded late: the policy language, when there is a policy to read. */
export { renderIssue } from '../base/source.ts';
export { parsePolicy } from '../policy/check.ts';
