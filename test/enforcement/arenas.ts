/** The sandboxes that probes run in: one policy each, and what the operator adds. */
import type { NetworkMode, Tier } from '../../src/plan/plan.ts';
import type { ArenaName } from './probe.ts';

export interface ArenaNeeds {
  readonly tier: Tier;
  readonly readOnly: string;
  /** A read-only directory of Unix sockets, with `hidden` in it. */
  readonly listed: string;
  readonly tools: string;
  /** Port of the host `allowed.test`. */
  readonly allowedPort: number;
}

export interface Arena {
  readonly policy: string;
  /** What the operator adds. */
  readonly network: NetworkMode | null;
  readonly write: readonly string[];
  readonly connectTo: readonly string[];
}

export const arenaOf = (name: ArenaName, needs: ArenaNeeds): Arena => ({
  policy: [filesystem(needs), ...SECTIONS[name](needs)].join('\n'),
  network: name === 'allow' ? 'allow' : null,
  // Elsewhere each sandbox has terminals of its own.
  write: name === 'terminal' && needs.tier === 'platform' ? ['/dev/ptmx', '/dev/pts'] : [],
  connectTo: name === 'proxy' ? [`allowed.test:${needs.allowedPort}:127.0.0.1:${needs.allowedPort}`] : [],
});

const filesystem = ({ tier, readOnly, listed, tools }: ArenaNeeds): string => `version: 1
filesystem_policy:
  include_workdir: true
  read_only:
    - /usr
    - /bin
    - /lib
    - /lib64
    - /etc
    - ${readOnly}
    - ${listed}
    - ${tools}${tier === 'platform' ? '' : inside(listed)}`;

/** What only a private root can hold. */
const inside = (listed: string): string => `
  deny:
    - "\${WORKDIR}/denied"
    - "\${WORKDIR}/denied-file"
    - "\${WORKDIR}/nested/hidden"
    - ${listed}/hidden
  protect:
    - "\${WORKDIR}/kept"
    - "\${WORKDIR}/kept-file"`;

const NOTHING = (): readonly string[] => [];

const SECTIONS: Readonly<Record<ArenaName, (needs: ArenaNeeds) => readonly string[]>> = {
  default: NOTHING,
  proxy: ({ allowedPort }) => [
    `network_policies:
  test:
    endpoints: [{ host: allowed.test, port: ${allowedPort} }]
    binaries: [{ path: /** }]`,
  ],
  allow: NOTHING,
  'no-netlink': () => ['process: { netlink: deny }'],
  nested: () => ['process: { seccomp: { allow: [nested_filters] } }'],
  limited: ({ tier }) => [
    `limits: { processes: 64, open_files: 256${tier === 'platform' ? '' : ', disk: 16MiB'} }`,
  ],
  terminal: NOTHING,
};

/** The same for the command line. */
export const argumentsOf = ({ network, write, connectTo }: Arena): string[] => [
  ...(network === null ? [] : [`--network=${network}`]),
  ...write.map((path) => `--write=${path}`),
  ...connectTo.map((pin) => `--connect-to=${pin}`),
];
