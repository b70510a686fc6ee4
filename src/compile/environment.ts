/** The environment of the program: a short list of the caller's variables, what the sandbox sets, what the operator adds. */
import type { EnvironmentEntry, Identity, NetworkMode, Tier } from '../plan/plan.ts';
import { TRUST_DIRECTORY, TRUST_FILES, TRUST_SCRATCH, TRUST_VARIABLES } from '../plan/trust-files.ts';
import type { OperatorRequest } from './input.ts';

export const PROXY_PORT = 3128;

/** Harmless and needed by ordinary programs: what to look up, how to speak, how to draw. */
export const PASSED_VARIABLES = [
  'PATH',
  'LANG',
  'LANGUAGE',
  'LC_ALL',
  'LC_COLLATE',
  'LC_CTYPE',
  'LC_MESSAGES',
  'LC_MONETARY',
  'LC_NUMERIC',
  'LC_TIME',
  'TZ',
  'TERM',
  'COLORTERM',
  'NO_COLOR',
  'FORCE_COLOR',
  'CI',
  'EDITOR',
  'PAGER',
] as const;

/** Whose placeholder stands for a token of Google Cloud: its libraries then ask a metadata server, which the proxy answers for. */
const GOOGLE_TOKENS = ['GCP_SA_ACCESS_TOKEN', 'GCP_ADC_ACCESS_TOKEN'];
const METADATA_VARIABLES = [
  ['GCE_METADATA_HOST', `127.0.0.1:${PROXY_PORT}`],
  ['GCE_METADATA_IP', `127.0.0.1:${PROXY_PORT}`],
  ['METADATA_SERVER_DETECTION', 'assume-present'],
] as const;

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export function compileEnvironment(
  identity: Identity,
  network: NetworkMode,
  operator: OperatorRequest,
  tier: Tier,
  opensTls: boolean,
): EnvironmentEntry[] {
  const entries = new Map<string, string | null>();
  for (const name of PASSED_VARIABLES) entries.set(name, null);
  entries.set('HOME', identity.home);
  entries.set('USER', identity.userName);
  entries.set('LOGNAME', identity.userName);
  entries.set('SHELL', '/bin/sh');
  entries.set('OPENSHELL_SANDBOX', '1');
  if (network === 'proxy') for (const [name, value] of proxyVariables()) entries.set(name, value);
  const scratch = new Map<string, string>();
  if (opensTls) {
    for (const [name, file] of Object.entries(TRUST_VARIABLES)) {
      entries.set(name, `${TRUST_DIRECTORY}/${TRUST_FILES[file]}`);
      if (tier === 'platform') scratch.set(name, `${TRUST_SCRATCH}/${TRUST_FILES[file]}`);
    }
  }
  for (const name of operator.environment) {
    entries.set(name, null);
    scratch.delete(name);
  }
  const credentials = new Set((operator.credentials ?? []).flatMap(({ variables }) => variables));
  for (const name of credentials) entries.set(name, null);
  if (network === 'proxy' && GOOGLE_TOKENS.some((name) => credentials.has(name)))
    for (const [name, value] of METADATA_VARIABLES) entries.set(name, value);
  if (tier === 'platform') {
    if (operator.home === null) scratch.set('HOME', 'home');
    else entries.set('HOME', operator.home);
    entries.set('TMPDIR', null);
    scratch.set('TMPDIR', 'tmp');
  }
  return [...entries].map(([name, value]) => {
    if (credentials.has(name)) return { name, value: null, credential: true };
    const directory = scratch.get(name);
    return directory === undefined ? { name, value } : { name, value: null, scratch: directory };
  });
}

/** The variables that OpenShell sets, and `all_proxy`, which some programs read in lower case only. */
function proxyVariables(): [string, string][] {
  const proxy = `http://127.0.0.1:${PROXY_PORT}`;
  const none = '127.0.0.1,localhost,::1';
  return [
    ...['ALL_PROXY', 'all_proxy', 'HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'grpc_proxy'].map(
      (name): [string, string] => [name, proxy],
    ),
    ['NO_PROXY', none],
    ['no_proxy', none],
    ['NODE_USE_ENV_PROXY', '1'],
  ];
}

/** The plan's entries with values filled in; `NAME=value` strings in the plan's order. @param given the caller's, and what `--env` says on top
    @param scratchDirectory of the run, or null in the `namespaces` tier
    @param placeholders of credentials, by variable */
export function fillEnvironment(
  entries: readonly EnvironmentEntry[],
  given: Readonly<Record<string, string | undefined>>,
  scratchDirectory: string | null = null,
  placeholders: ReadonlyMap<string, string> = new Map(),
): string[] {
  const filled: string[] = [];
  for (const { name, value, scratch, credential } of entries) {
    if (credential === true) {
      const placeholder = placeholders.get(name);
      if (placeholder !== undefined) filled.push(`${name}=${placeholder}`);
      continue;
    }
    const own = scratch !== undefined && scratchDirectory !== null ? `${scratchDirectory}/${scratch}` : null;
    const actual = own ?? value ?? given[name] ?? (name === 'PATH' ? DEFAULT_PATH : undefined);
    if (actual !== undefined) filled.push(`${name}=${actual}`);
  }
  return filled;
}
