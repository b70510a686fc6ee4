import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { chooseCandidate } from '../../src/match/choose-candidate.ts';
import { decide } from '../../src/match/decide.ts';
import { buildIndex } from '../../src/match/egress-index.ts';
import type { EgressEndpoint } from '../../src/plan/plan.ts';
import { endpoint, host, identity, policy, table } from './tables.ts';

function choose(endpoints: EgressEndpoint[], ...addresses: string[]): string {
  const rules = table([policy('p', endpoints)]);
  const verdict = decide(buildIndex(rules), { host: host('a.b.test'), port: 443, identity: identity('/x') });
  if (verdict.kind === 'deny') throw new Error(verdict.message);
  const chosen = chooseCandidate(
    verdict.candidates,
    addresses.map((text) => parseAddress(text)!),
    443,
  );
  return chosen.ok
    ? `endpoint ${chosen.value.rule.index}`
    : `${chosen.error.problem.reason} ${chosen.error.problem.address.text} at ${chosen.error.candidate.rule.index}`;
}

const PATTERN = endpoint('*.b.test:443');
const EXACT = endpoint('a.b.test:443');
const LAN = endpoint('**.test:443', { allowedIps: ['10.0.0.0/8', '8.8.8.8/32'] });

describe('chooseCandidate', () => {
  it.each([
    [[PATTERN, EXACT], ['8.8.8.8'], 'endpoint 0'],
    [[PATTERN, EXACT], ['10.0.0.1'], 'endpoint 1'],
    [[PATTERN, EXACT], ['8.8.8.8', '10.0.0.1'], 'endpoint 1'],
    [[PATTERN, LAN], ['8.8.8.8', '10.0.0.1'], 'endpoint 1'],
    [[PATTERN, LAN], ['8.8.4.4', '10.0.0.1'], 'special_address 10.0.0.1 at 0'],
    [[LAN, PATTERN], ['8.8.4.4', '10.0.0.1'], 'address_not_listed 8.8.4.4 at 0'],
    [[PATTERN, EXACT, LAN], ['8.8.8.8', '127.0.0.1'], 'special_address 127.0.0.1 at 0'],
  ])(
    'row %#: the first endpoint for which every address passes, else the first refusal',
    (endpoints, addresses, expected) => {
      expect(choose(endpoints, ...addresses)).toBe(expected);
    },
  );
});
