/** The time after which a run is ended: the shorter of `--timeout` and the policy's `limits.wall_time`. */
import type { RuleReference } from '../event/event.ts';
import type { SandboxLimits } from '../plan/plan.ts';

export interface TimeLimit {
  readonly ms: number;
  /** Null: the command line set it. */
  readonly rule: RuleReference | null;
}

/** @param timeout milliseconds, or null */
export function timeLimit(timeout: number | null, limits: SandboxLimits): TimeLimit | null {
  const { wallTime, lines } = limits;
  if (timeout !== null && (wallTime === null || timeout <= wallTime)) return { ms: timeout, rule: null };
  return wallTime === null ? null : { ms: wallTime, rule: limitRule('wall_time', lines.wallTime) };
}

export const limitRule = (
  name: 'memory' | 'cpu_time' | 'wall_time' | 'processes',
  line: number | null,
): RuleReference => ({
  policy: `limits.${name}`,
  index: null,
  line,
});
