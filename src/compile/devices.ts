/** The devices of a minimal /dev: those that a program without hardware needs. Shown from the host's own nodes. */
export const DEVICES = [
  { path: '/dev/null', writable: true },
  { path: '/dev/zero', writable: true },
  { path: '/dev/full', writable: true },
  { path: '/dev/random', writable: false },
  { path: '/dev/urandom', writable: false },
  { path: '/dev/tty', writable: true },
] as const;

export const DEVICE_LINKS = [
  { path: '/dev/fd', link: '/proc/self/fd' },
  { path: '/dev/stdin', link: '/proc/self/fd/0' },
  { path: '/dev/stdout', link: '/proc/self/fd/1' },
  { path: '/dev/stderr', link: '/proc/self/fd/2' },
  { path: '/dev/ptmx', link: 'pts/ptmx' },
] as const;
