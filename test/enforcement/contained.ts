/** Runs programs in a container that has around them what waits outside of the sandboxes on the host: surroundings.ts. */
import { Container } from '../containers/container.ts';
import type { Profile } from '../containers/seccomp-profiles.ts';
import type { CommandOptions, Outcome } from '../support/command.ts';
import type { Scratch } from '../support/scratch.ts';
import type { Surroundings } from './surroundings.ts';

/** As runCommand(). */
export type Run = (command: readonly string[], options: CommandOptions) => Promise<Outcome>;

/**
 * Files in the shared places of the container, a process to be signalled, objects of IPC: then the program. All of it ends
 * with the container. The servers are those of the host, whose network it has.
 */
const PRELUDE = `set -e
for file in "$TMPFILE" "$SHMFILE"; do echo shared > "$file"; done
mkfifo /tmp/held /tmp/never
exec 3<> /tmp/never
"$PROBE" hold "$IPC_KEY" "$IPC_QUEUE" "$ABSTRACT-contained" <&3 > /tmp/held &
read -r held < /tmp/held
"$PROBE" be-deaf <&3 > /dev/null 2>&1 &
echo "$!" > "$LISTED/victim"
exec 3<&-
for name in TMPFILE SHMFILE PROBE IPC_KEY IPC_QUEUE ABSTRACT LISTED; do unset "$name"; done
set +e
"$@"
exit "$?"`;

export function inContainer(
  profile: Profile,
  scratch: Scratch,
  surroundings: Surroundings,
  probe: string,
): Run {
  const container = new Container({
    profile,
    network: 'host',
    mounts: [{ path: scratch.path, writable: true }],
  });
  return (command, { as: _, ...options }) =>
    container.run(['sh', '-c', PRELUDE, 'sh', ...command], {
      ...options,
      env: { ...surroundings.variables, PROBE: probe, ...options.env },
    });
}
