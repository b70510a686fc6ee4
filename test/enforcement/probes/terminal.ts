/** Terminals: its own, and the one that openshell was started on. */
import { call, type Probe, type Subject } from '../probe.ts';

/** Where terminals can be made. */
const inArena = (probes: readonly Probe[]): Probe[] =>
  probes.map((probe) => ({ ...probe, arena: 'terminal' }));

export const terminal: Subject = {
  title: 'Terminals',
  safeAsRoot: false,
  probes: inArena([
    call('tiocsti', 'type-character own', 'type on its terminal (TIOCSTI)', 'control', {
      dependsOn: 'dev.tty.legacy_tiocsti',
    }),
    call('tiocsti-high', 'type-character-high own', 'hide TIOCSTI behind bits of the upper half', 'control', {
      dependsOn: 'dev.tty.legacy_tiocsti',
    }),
    call('tiocsti-no-terminal', 'type-character inherited', 'call TIOCSTI on what is no terminal', 'marker'),
    call('tioclinux', 'paste-selection own', 'paste on a console (TIOCLINUX)', 'marker'),
    call('tioccons', 'take-console own', 'take over the console (TIOCCONS)', 'marker'),
    call('tiocsetd', 'set-discipline own', 'set a line discipline (TIOCSETD)', 'control'),
    call('tiocvhangup', 'hang-up own', 'hang up a terminal (TIOCVHANGUP)', 'marker'),
  ]),
};
