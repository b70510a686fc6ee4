/** One kind of refusal. */
import type { Reason } from './event.ts';

export interface RefusalRow {
  /** Ours, stable: never given to another refusal. */
  readonly code: string;
  /** HTTP status. */
  readonly status: number;
  /** The value that OpenShell uses where it has one. */
  readonly error: string;
  /** The reason that the event gives. */
  readonly reason: Reason;
  /** For docs/denials.md. */
  readonly meaning: string;
}

export const row = (
  code: number,
  status: number,
  error: string,
  reason: Reason,
  meaning: string,
): RefusalRow => ({
  code: `OSH-EGR-${String(code).padStart(3, '0')}`,
  status,
  error,
  reason,
  meaning,
});
