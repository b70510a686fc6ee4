/** What the launcher was doing when it failed. */
import { ENUMS } from '../plan/wire.ts';

export interface LaunchFailure {
  readonly step: keyof typeof ENUMS.step;
  /** Positive number. */
  readonly errno: number;
  /** Row of the plan, or null. */
  readonly row: number | null;
}

const STEP_NAMES = new Map<number, keyof typeof ENUMS.step>(
  Object.entries(ENUMS.step).map(([name, value]) => [value, name as keyof typeof ENUMS.step]),
);

export const stepName = (value: number): keyof typeof ENUMS.step => STEP_NAMES.get(value) ?? 'lost';
