/** The sandboxes that probes run in: one policy each, and what the operator adds. */
import type { ArenaName } from './probe.ts';

export interface ArenaNeeds {
  readonly readOnly: string;
  /** A read-only directory of Unix sockets, with `hidden` in it. */
  readonly listed: string;
  readonly tools: string;
  /** Port of the host `allowed.test`. */
  readonly allowedPort: number;
}

export interface Arena {
  readonly policy: string;
  /** Further arguments of `openshell run`. */
  readonly args: readonly string[];
}

export const arenaOf = (name: ArenaName, needs: ArenaNeeds): Arena => ({
  policy: [filesystem(needs), ...SECTIONS[name](needs)].join('\n'),
  args: ARGUMENTS[name](needs),
});

const filesystem = ({ readOnly, listed, tools }: ArenaNeeds): string => `version: 1
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
    - ${tools}
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
  limited: () => ['limits: { processes: 64, open_files: 256, disk: 16MiB }'],
};

const ARGUMENTS: Readonly<Record<ArenaName, (needs: ArenaNeeds) => readonly string[]>> = {
  default: NOTHING,
  proxy: ({ allowedPort }) => ['--connect-to', `allowed.test:${allowedPort}:127.0.0.1:${allowedPort}`],
  allow: () => ['--network', 'allow'],
  'no-netlink': NOTHING,
  nested: NOTHING,
  limited: NOTHING,
};
