/** Loaded late: certificates, where a plan has an endpoint whose requests are looked at. */
export { SandboxAuthority } from './authority.ts';
