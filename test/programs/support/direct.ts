/**
 * One sandbox for a client that knows nothing of a proxy: a policy that allows it some names and lists one more for
 * another program only, names that are pinned to servers of the test, and the events of its connections.
 */
import { join } from 'node:path';
import type { OpenshellEvent } from '../../../src/event/event.ts';
import { nodeOptions } from './host.ts';
import { eventsOf, type Finished, openshell } from './openshell.ts';
import type { Scratch } from './scratch.ts';

/** The name that only a program that is not there may connect to, at the client's own port. */
export const REFUSED = 'refused.test';

export interface Client {
  readonly command: readonly string[];
  /** The executable that connects: the only one that the policy allows. */
  readonly binary: string;
  /** The one name that it may connect to, with the port that it takes there. */
  readonly host: string;
  readonly port: number;
  /** Where that goes; to the refused name as well, were it not refused. */
  readonly server: number;
  /** Further options of `openshell run`. */
  readonly options?: readonly string[];
}

export interface Done extends Finished {
  readonly events: readonly OpenshellEvent[];
  /** Those of connects and names. */
  readonly decisions: readonly OpenshellEvent[];
}

const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY', 'NODE_USE_ENV_PROXY'];
/** Runs a command without any variable that names a proxy. */
const WITHOUT_PROXY = [
  'env',
  ...PROXY_VARIABLES.flatMap((name) => [
    '-u',
    name,
    ...(name.startsWith('NODE') ? [] : ['-u', name.toLowerCase()]),
  ]),
];

let runs = 0;

export async function direct(scratch: Scratch, client: Client): Promise<Done> {
  runs += 1;
  const { command, binary, host, port, server, options = [] } = client;
  const log = join(scratch.root, `direct-events-${runs}`);
  const policy = scratch.policy(
    `version: 1
network_policies:
  mine:
    endpoints: [{ host: ${host}, port: ${port} }]
    binaries: [{ path: "${binary}", ancestors: false }]
  of_another:
    endpoints: [{ host: ${REFUSED}, port: ${port} }]
    binaries: [{ path: /usr/bin/of-another }]
`,
    `direct-policy-${runs}.yaml`,
  );
  const pinned = [host, REFUSED].flatMap((name) => ['--connect-to', `${name}:${port}:127.0.0.1:${server}`]);
  const finished = await openshell(
    [
      ...['run', ...nodeOptions, '--policy', policy, '--events', log, ...pinned, ...options],
      ...['--', ...WITHOUT_PROXY, ...command],
    ],
    { cwd: scratch.project, home: scratch.home },
  );
  const events = eventsOf(log);
  return {
    ...finished,
    events,
    decisions: events.filter(({ subject }) => ['connect', 'name', 'many'].includes(subject.kind)),
  };
}

/** What the event of an allowed connect says. */
export const allowed = ({ binary, host, port }: Client): object => ({
  type: 'decision',
  layer: 'egress',
  action: 'allow',
  reason: 'allowed',
  count: 1,
  rule: { policy: 'mine', index: 0, line: 4 },
  subject: { kind: 'connect', host, port, address: '127.0.0.1', via: 'direct' },
  process: { exe: binary },
});

/** What the event of a connect to the refused name says. */
export const refused = ({ binary, port }: Client): object => ({
  type: 'denial',
  layer: 'egress',
  action: 'deny',
  reason: 'binary_not_listed',
  count: 1,
  rule: { policy: 'of_another', index: 0, line: 7 },
  subject: { kind: 'connect', host: REFUSED, port, via: 'direct' },
  process: { exe: binary },
});

/** Milliseconds from the last refused connect to the end of the run: a client that retries or waits takes seconds. */
export function sinceRefusal({ events }: Done): number {
  const at = (event: OpenshellEvent | undefined): number => Date.parse(event!.time);
  const last = events.filter(({ subject, action }) => subject.kind === 'connect' && action === 'deny').at(-1);
  return at(events.find(({ type }) => type === 'exit')) - at(last);
}
