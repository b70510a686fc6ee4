/** Who started openshell, and where. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import type { CallerFacts } from '../plan/facts.ts';

/** @param workdir absolute and canonical */
export function callerFacts(workdir: string): CallerFacts {
  const uid = process.geteuid!();
  const gid = process.getegid!();
  return {
    uid,
    gid,
    userName: nameOf('/etc/passwd', uid) ?? 'sandbox',
    groupName: nameOf('/etc/group', gid) ?? 'sandbox',
    home: homeOf(),
    workdir,
  };
}

/** HOME when it is a usable path; `/` and relative ones are not. */
function homeOf(): string {
  const home = homedir();
  return /^\/[^/]/.test(home) ? home.replace(/\/+$/, '') : '/home/sandbox';
}

/** The name of an id in a file of passwd(5) or group(5), or null. */
function nameOf(file: string, id: number): string | null {
  return accountsIn(file).find((fields) => fields[2] === String(id))?.[0] ?? null;
}

/** The primary group of a user of this host, or null when there is no such user. */
export function primaryGroup(uid: number): number | null {
  const fields = accountsIn('/etc/passwd').find((entry) => entry[2] === String(uid));
  return fields?.[3] === undefined ? null : Number(fields[3]);
}

function accountsIn(file: string): string[][] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  } catch {
    return [];
  }
}
