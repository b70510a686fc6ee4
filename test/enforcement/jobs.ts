/** Jobs for the driver of the probe program, and what it says about them (probe/driver.c). */
import { chmodSync, writeFileSync } from 'node:fs';

export interface Job {
  readonly id: string;
  /** For sh(1). */
  readonly script: string;
}

export interface Result {
  readonly id: string;
  /** Exit code, or -1 when a signal ended it. */
  readonly code: number;
  /** Number of the signal, or 0. */
  readonly signal: number;
  /** It took too long and was killed. */
  readonly late: boolean;
  /** Both streams, at most 8 KiB. */
  readonly output: string;
}

export type Results = ReadonlyMap<string, Result>;

const LIMIT_MS = 10_000;

export function writeJobs(path: string, jobs: readonly Job[]): void {
  writeFileSync(path, jobs.map(({ id, script }) => `${id}\0${LIMIT_MS}\0${script}\0`).join(''));
  chmodSync(path, 0o644);
}

/** The driver did not get through. */
export class LostJobs extends Error {
  /** What else there is to say, on lines of its own. */
  readonly complaint: string;

  constructor(message: string, complaint: string) {
    super(`${message}\n${complaint}`);
    this.complaint = complaint;
  }
}

/** Throws LostJobs when a job has no result. */
export function readResults(stdout: string, jobs: readonly Job[], complaint: string): Results {
  const results = new Map<string, Result>();
  for (const line of stdout.split('\n')) {
    if (!line.startsWith('{')) continue;
    const result = JSON.parse(line) as Result;
    results.set(result.id, result);
  }
  const lost = jobs.filter(({ id }) => !results.has(id));
  if (lost.length > 0) {
    const names = lost.slice(0, 5).map(({ id }) => id);
    throw new LostJobs(
      `${lost.length} jobs have no result, such as ${names}\n${stdout.slice(0, 2000)}`,
      complaint,
    );
  }
  return results;
}

export const worked = ({ code, late }: Result): boolean => code === 0 && !late;

/** The number that the probe program printed, or null when it printed none. */
export function errnoOf({ output }: Result): number | null {
  const found = /^errno (\d+)$/m.exec(output);
  return found === null ? null : Number(found[1]);
}

/** Something that belongs to the attempt failed, and not the attack. */
export const isBroken = ({ output }: Result): boolean => /^broken: /m.test(output);

/** A text as one word of sh(1). */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
