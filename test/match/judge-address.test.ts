import { describe, expect, it } from 'vitest';
import { parseAddress, parseCidr } from '../../src/base/address.ts';
import { type AddressPlan, judgeAddress } from '../../src/match/judge-address.ts';
import { CONTROL_PLANE_PORTS } from '../../src/match/special-addresses.ts';

const plan = (
  hostKind: AddressPlan['hostKind'],
  more: { literal?: string; allowed?: string[] } = {},
): AddressPlan => ({
  hostKind,
  literal: more.literal === undefined ? null : parseAddress(more.literal),
  allowed: more.allowed === undefined ? null : more.allowed.map((text) => parseCidr(text)!),
});

const judge = (address: string, to: AddressPlan, port = 443) =>
  judgeAddress(parseAddress(address)!, to, port)?.reason ?? 'ok';

const NAME = plan('name');
const PATTERN = plan('pattern');

describe('judgeAddress', () => {
  it.each([
    ['8.8.8.8', NAME, 'ok'],
    ['10.0.0.1', NAME, 'ok'],
    ['127.0.0.1', NAME, 'special_address'],
    ['169.254.169.254', NAME, 'special_address'],
    ['fe80::1', NAME, 'special_address'],
    ['64:ff9b::a9fe:a9fe', NAME, 'special_address'],
    ['8.8.8.8', PATTERN, 'ok'],
    ['10.0.0.1', PATTERN, 'special_address'],
    ['100.64.0.1', PATTERN, 'special_address'],
    ['fd00::1', PATTERN, 'special_address'],
    ['127.0.0.1', PATTERN, 'special_address'],
    ['10.0.0.1', plan('pattern', { allowed: ['10.0.0.0/8'] }), 'ok'],
    ['8.8.8.8', plan('pattern', { allowed: ['10.0.0.0/8'] }), 'address_not_listed'],
    ['11.0.0.1', plan('name', { allowed: ['10.0.0.0/8'] }), 'address_not_listed'],
    ['8.8.8.8', plan('any', { allowed: ['8.8.8.0/24'] }), 'ok'],
    ['8.8.9.8', plan('any', { allowed: ['8.8.8.0/24'] }), 'address_not_listed'],
    ['127.0.0.1', plan('any', { allowed: ['127.0.0.0/8'] }), 'special_address'],
    ['168.63.129.16', plan('any', { allowed: ['168.63.129.16/32'] }), 'special_address'],
    ['8.8.8.8', plan('any', { allowed: [] }), 'address_not_listed'],
    ['10.0.0.1', plan('address', { literal: '10.0.0.1' }), 'ok'],
    ['10.0.0.2', plan('address', { literal: '10.0.0.1' }), 'address_not_listed'],
    ['10.0.0.1', plan('address', { literal: '10.0.0.1', allowed: ['10.9.0.0/16'] }), 'address_not_listed'],
    ['127.0.0.1', plan('address', { literal: '127.0.0.1' }), 'special_address'],
  ])('%s is judged by the endpoint (row %#)', (address, to, expected) => {
    expect(judge(address, to)).toBe(expected);
  });

  it.each([...CONTROL_PLANE_PORTS])('refuses control-plane port %d at internal addresses only', (port) => {
    expect(judge('10.0.0.1', NAME, port)).toBe('control_plane_port');
    expect(judge('10.0.0.1', plan('address', { literal: '10.0.0.1' }), port)).toBe('control_plane_port');
    expect(judge('10.0.0.1', plan('any', { allowed: ['10.0.0.0/8'] }), port)).toBe('control_plane_port');
    expect(judge('8.8.8.8', NAME, port)).toBe('ok');
  });

  it('says what the address is and whether a policy could allow it', () => {
    const problem = judgeAddress(parseAddress('169.254.169.254')!, NAME, 80);
    expect(problem?.class).toBe('never');
    expect(problem?.detail).toContain('cloud metadata');
    expect(judgeAddress(parseAddress('10.0.0.1')!, PATTERN, 80)?.class).toBe('private');
  });
});
