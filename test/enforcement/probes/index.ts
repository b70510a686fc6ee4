/** All probes, by subject. */
import type { Probe, Subject } from '../probe.ts';
import { denied } from './denied.ts';
import { descriptors } from './descriptors.ts';
import { files } from './files.ts';
import { namespaces } from './namespaces.ts';
import { network } from './network.ts';
import { processes } from './processes.ts';
import { protectedFiles } from './protected.ts';
import { readOnly } from './read-only.ts';
import { resources } from './resources.ts';
import { sockets } from './sockets.ts';
import { syscalls } from './syscalls.ts';
import { terminal } from './terminal.ts';

export const SUBJECTS: readonly Subject[] = [
  files,
  readOnly,
  denied,
  protectedFiles,
  descriptors,
  syscalls,
  namespaces,
  processes,
  sockets,
  network,
  terminal,
  resources,
];

export const PROBES: readonly Probe[] = SUBJECTS.flatMap(({ probes }) => probes);
