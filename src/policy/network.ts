/** The section `network_policies`. */
import { checkBinary } from './binary.ts';
import { checkEndpoint } from './endpoint.ts';
import type { Read, ReadEntry } from './fields.ts';
import { type Issues, quoted } from './issues.ts';
import type { NetworkPolicy } from './policy.ts';
import type { POLICY } from './schema.ts';
import type { NETWORK_POLICY } from './schema-network.ts';

type NetworkRead = NonNullable<Read<typeof POLICY>['value']['fields']['network_policies']>;

const RESERVED = '_provider_';
const MAX_KEY = 128;

export function checkNetwork(read: NetworkRead | undefined, issues: Issues): NetworkPolicy[] {
  return (read?.value ?? []).flatMap((entry, index) => checkPolicy(entry, index, issues) ?? []);
}

function checkPolicy(
  entry: ReadEntry<typeof NETWORK_POLICY>,
  index: number,
  issues: Issues,
): NetworkPolicy | null {
  const { key, keySpan, path, read } = entry;
  const place = { span: keySpan, path };
  if (key.startsWith(RESERVED)) {
    const message = `names that begin with \`${RESERVED}\` are reserved for policies that a gateway composes`;
    issues.report('reserved_key', place, message, 'Choose another name.');
  }
  if (key.length > MAX_KEY) {
    issues.report('text_too_long', place, `the name is longer than ${MAX_KEY} characters`);
  }
  if (read === undefined) return null;
  const { fields, keys } = read.value;
  if (!keys.has('endpoints') || fields.endpoints?.value.length === 0) {
    issues.report(
      'no_endpoints',
      place,
      `${quoted(key)} has no endpoints, so it allows nothing`,
      'Write `endpoints`.',
    );
  }
  if (!keys.has('binaries') || fields.binaries?.value.length === 0) {
    const message = `${quoted(key)} has no binaries, so no program may use it`;
    issues.report(
      'no_binaries',
      place,
      message,
      'List the programs under `binaries`, or write `- path: /**` for every program.',
    );
  }
  const endpoints = (fields.endpoints?.value ?? []).flatMap(
    (endpoint, position) => checkEndpoint(endpoint, position, issues) ?? [],
  );
  return {
    key,
    name: fields.name?.value ?? key,
    span: keySpan,
    index,
    endpoints,
    binaries: (fields.binaries?.value ?? []).flatMap((binary) => checkBinary(binary, issues) ?? []),
  };
}
