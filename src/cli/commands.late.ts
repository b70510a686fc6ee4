/** Loaded late: every command but `run`. */
import * as doctor from './doctor.ts';
import * as explain from './explain.ts';
import * as plan from './plan.ts';
import * as policy from './policy.ts';

export const commands: Readonly<Record<string, { main(args: string[]): number | Promise<number> }>> = {
  policy,
  plan,
  explain,
  doctor,
};
