/** Plans of this host, as the command line makes them, in the form that the launcher reads. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { encodePlan, encodeRequest, type LaunchRequest } from '../../../src/plan/encode.ts';
import type { Plan } from '../../../src/plan/plan.ts';
import { environmentOf, OPENSHELL, type Options, PACKAGE } from '../../programs/support/openshell.ts';

export const LAUNCHER = join(PACKAGE, 'launcher', 'bin', 'openshell-launcher');
/** Why nothing can be launched here, or null. */
export const notBuilt = existsSync(LAUNCHER) ? null : 'the launcher is not built';

export const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');

/** @param args further arguments of `openshell plan` */
export function planOf(options: Options, ...args: string[]): Plan {
  const text = execFileSync(process.execPath, [OPENSHELL, 'plan', '--output', 'json', ...args], {
    cwd: options.cwd,
    env: environmentOf(options),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return JSON.parse(text) as Plan;
}

export const requestOf = (command: readonly [string, ...string[]], terminal = false): LaunchRequest => ({
  command,
  environment: ['PATH=/usr/bin:/bin'],
  searchPath: '/usr/bin:/bin',
  terminal,
  cgroup: null,
});

/** The payload of a launch frame (launch_parse of launcher/document.h). */
export function launchPayload(plan: Uint8Array, request: Uint8Array): Buffer {
  const start = (8 + plan.length + 7) & ~7;
  const payload = Buffer.alloc(start + request.length);
  payload.writeUInt32LE(plan.length, 0);
  payload.set(plan, 8);
  payload.set(request, start);
  return payload;
}

export const payloadOf = (plan: Plan, request: LaunchRequest): Buffer =>
  launchPayload(encodePlan(plan, utf8), encodeRequest(request, utf8));
