/** The policy language: its sections except the network ones, and the whole. */
import { boolean, extension, field, integer, list, map, object, oneOf, quantity, text } from './fields.ts';
import { POLICY_LIMITS } from './limits.ts';
import { RELAXATIONS } from './policy.ts';
import { EXPECTATION } from './schema-expect.ts';
import { MIDDLEWARE, NETWORK_POLICY } from './schema-network.ts';

const MAX_ID = 2 ** 22;
const MiB = 1024 ** 2;

const path = text({ maxLength: POLICY_LIMITS.path, pattern: '^(/|~/|~$|\\$\\{WORKDIR\\}(/|$))' });

export const FILESYSTEM = object(
  'filesystem_policy',
  'Which files the program sees. `read_only` and `read_write` are a union: what either list covers may be used so.',
  {
    include_workdir: field(boolean, 'Also make the working directory writable.', { default: 'false' }),
    read_only: field(list(path), 'Paths that may be read and executed, with everything below them.', {
      default: '[]',
    }),
    read_write: field(list(path), 'Paths that may also be written, with everything below them.', {
      default: '[]',
    }),
    deny: extension(list(path), 'Paths that are not visible at all, even below a listed path.', {
      default: '[]',
    }),
    protect: extension(
      list(path),
      'Paths that stay visible but can never be written or moved away, even below a writable path. They are added to the built-in list.',
      { default: '[]' },
    ),
  },
  {
    readonly: 'read_only',
    ro: 'read_only',
    read: 'read_only',
    allow_read: 'read_only',
    readwrite: 'read_write',
    rw: 'read_write',
    write: 'read_write',
    writable: 'read_write',
    allow_write: 'read_write',
    workdir: 'include_workdir',
    denied: 'deny',
    hide: 'deny',
    hidden: 'deny',
    deny_read: 'deny',
    deny_write: 'protect',
    protected: 'protect',
  },
);

export const LANDLOCK = object(
  'landlock',
  'How Landlock is used.',
  {
    compatibility: field(
      oneOf(['best_effort', 'hard_requirement'], {
        mistakes: { strict: 'hard_requirement', required: 'hard_requirement' },
      }),
      '`best_effort`: a path that does not exist is skipped. `hard_requirement`: a kernel without Landlock, or a list of which no path applies, stops the launch.',
      { default: 'best_effort' },
    ),
  },
  { mode: 'compatibility', compat: 'compatibility' },
);

const identity = text({ plain: true, pattern: '^(sandbox|[1-9][0-9]{0,9})$' });

const RELAXATION_MISTAKES = {
  memfd: 'memfd_exec',
  memfd_create: 'memfd_exec',
  ptrace: 'ptrace_own',
  pidfd_open: 'pidfd',
  pidfd_getfd: 'pidfd',
  io_uring_setup: 'io_uring',
  keyctl: 'keyring',
  add_key: 'keyring',
  seccomp: 'nested_filters',
};

export const PROCESS = object(
  'process',
  'Who the program runs as, and which refused system calls it gets back.',
  {
    run_as_user: field(
      identity,
      '`sandbox`, or a user number from 1 to 4294967294. Omitted: the caller’s own.',
    ),
    run_as_group: field(
      identity,
      '`sandbox`, or a group number from 1 to 4294967294. Omitted: the caller’s own.',
    ),
    netlink: extension(
      oneOf(['deny', 'enumerate', 'route'], { mistakes: { allow: 'route', full: 'route', none: 'deny' } }),
      'AF_NETLINK sockets. `enumerate`: addresses and interfaces can be listed, as getifaddrs(3) does. `route`: all of NETLINK_ROUTE. `deny`: EPERM.',
      { default: 'enumerate' },
    ),
    seccomp: extension(
      object(
        'process.seccomp',
        'Exceptions from the system call filter.',
        {
          allow: extension(
            list(oneOf(RELAXATIONS, { mistakes: RELAXATION_MISTAKES })),
            'Refused system calls that this program needs, by name. Each opens something; `openshell policy check` says what.',
            { default: '[]' },
          ),
        },
        { allowed: 'allow', relax: 'allow' },
      ),
      'Exceptions from the system call filter.',
    ),
  },
  {
    user: 'run_as_user',
    uid: 'run_as_user',
    group: 'run_as_group',
    gid: 'run_as_group',
    syscalls: 'seccomp',
  },
);

export const LIMITS = object(
  'limits',
  'Bounds on what the program may use up. A size is a number of bytes or `512MiB`; a duration is seconds or `30s`, `5m`, `1h`.',
  {
    processes: extension(integer(1, MAX_ID), 'Processes and threads at the same time.', { default: '512' }),
    open_files: extension(integer(3, 1_048_576), 'Open files of each process.'),
    memory: extension(quantity('size', MiB), 'Memory of all processes together.'),
    cpu_time: extension(quantity('duration', 1000), 'CPU time of all processes together.'),
    wall_time: extension(quantity('duration', 1000), 'Time from start to the end by force.'),
    disk: extension(quantity('size', MiB), 'Bytes in private writable directories, all together.'),
  },
  {
    pids: 'processes',
    nproc: 'processes',
    threads: 'processes',
    nofile: 'open_files',
    files: 'open_files',
    mem: 'memory',
    ram: 'memory',
    cpu: 'cpu_time',
    timeout: 'wall_time',
    time: 'wall_time',
    storage: 'disk',
  },
);

export const DNS = object(
  'dns',
  'How names become addresses.',
  {
    pin: extension(
      oneOf(['connect', 'start']),
      '`connect`: the addresses of a name are looked up when it is used. `start`: they are looked up once and frozen for the life of the sandbox.',
      { default: 'connect' },
    ),
  },
  { pinning: 'pin', pinned: 'pin' },
);

export const POLICY = object(
  null,
  'Policy of one sandbox: files, system calls, hosts, requests. What is not listed is refused.',
  {
    version: field(integer(1, 1), 'Version of the policy language: 1.', { required: true }),
    filesystem_policy: field(FILESYSTEM, 'Which files the program sees. Absent: that of the default policy.'),
    landlock: field(LANDLOCK, 'How Landlock is used.'),
    process: field(PROCESS, 'Who the program runs as, and which refused system calls it gets back.'),
    network_policies: field(
      map(NETWORK_POLICY, 'names of your choice, which denials and events show'),
      'Which programs may reach which hosts. Nothing else can be reached; no other name is looked up.',
    ),
    network_middlewares: field(
      map(MIDDLEWARE, 'names of your choice', POLICY_LIMITS.middlewares),
      'Stages that see requests to some hosts before they leave.',
    ),
    limits: extension(LIMITS, 'Bounds on what the program may use up.'),
    dns: extension(DNS, 'How names become addresses.'),
    expect: extension(
      list(EXPECTATION),
      'Examples of what this policy allows and refuses, checked whenever it is loaded.',
    ),
  },
  {
    filesystem: 'filesystem_policy',
    filesystem_policies: 'filesystem_policy',
    fs: 'filesystem_policy',
    files: 'filesystem_policy',
    network: 'network_policies',
    network_policy: 'network_policies',
    networks: 'network_policies',
    policies: 'network_policies',
    egress: 'network_policies',
    rules: 'network_policies',
    middleware: 'network_middlewares',
    middlewares: 'network_middlewares',
    network_middleware: 'network_middlewares',
    limit: 'limits',
    resources: 'limits',
    tests: 'expect',
    expectations: 'expect',
    seccomp: 'process.seccomp',
    netlink: 'process.netlink',
    apiVersion: 'version',
  },
);
