import { describe, expect, it } from 'vitest';
import { addressOf, contains, parseAddress, WIDTH } from '../../src/base/address.ts';
import { classifyAddress } from '../../src/match/classify-address.ts';
import { SPECIAL_BLOCKS } from '../../src/match/special-addresses.ts';

/** The class that each row must give, written down a second time, so that an edit of the table is a decision. */
const EXPECTED: Readonly<Record<'never' | 'private' | 'public', readonly string[]>> = {
  never: [
    '0.0.0.0/8',
    '100.100.100.200/32',
    '127.0.0.0/8',
    '168.63.129.16/32',
    '169.254.0.0/16',
    '169.254.169.254/32',
    '169.254.170.2/32',
    '169.254.170.23/32',
    '169.254.42.42/32',
    '192.0.0.192/32',
    '224.0.0.0/4',
    '255.255.255.255/32',
    '::/96',
    '::/128',
    '::1/128',
    '::ffff:0:0:0/96',
    'fd00:42::42/128',
    'fd00:a9fe:a9fe::1/128',
    'fd00:c1::a9fe:a9fe/128',
    'fd00:ec2::/32',
    'fd20:ce::254/128',
    'fe80::/10',
    'ff00::/8',
  ],
  private: [
    '10.0.0.0/8',
    '100.64.0.0/10',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '192.168.0.0/16',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '240.0.0.0/4',
    '::/0',
    '64:ff9b:1::/48',
    '100::/64',
    '100:0:0:1::/64',
    '2001::/23',
    '2001::/32',
    '2001:2::/48',
    '2001:10::/28',
    '2001:20::/28',
    '2001:30::/28',
    '2001:db8::/32',
    '2002::/16',
    '3fff::/20',
    '5f00::/16',
    'fc00::/7',
    'fec0::/10',
  ],
  public: [
    '0.0.0.0/0',
    '192.31.196.0/24',
    '192.52.193.0/24',
    '192.175.48.0/24',
    '64:ff9b::/96',
    '2000::/3',
    '2001:1::1/128',
    '2001:1::2/128',
    '2001:1::3/128',
    '2001:3::/32',
    '2001:4:112::/48',
    '2620:4f:8000::/48',
  ],
};

describe('the table of special addresses', () => {
  it('has exactly the rows and classes that this test writes down', () => {
    const rows = (name: string) =>
      SPECIAL_BLOCKS.filter((row) => row.class === name)
        .map(({ block }) => block.text)
        .sort();
    for (const name of ['never', 'private', 'public'] as const)
      expect(rows(name)).toEqual([...EXPECTED[name]].sort());
  });

  it('names a source and holds no block twice', () => {
    expect(new Set(SPECIAL_BLOCKS.map(({ block }) => block.text)).size).toBe(SPECIAL_BLOCKS.length);
    for (const row of SPECIAL_BLOCKS) expect(row.source).not.toBe('');
  });

  it.each(SPECIAL_BLOCKS.map((row) => [row.block.text, row] as const))(
    '%s decides its first and last address unless a longer row or an embedded address is stricter',
    (_text, row) => {
      const { family, base, bits } = row.block;
      const last = base | ((1n << BigInt(WIDTH[family] - bits)) - 1n);
      const order = ['public', 'private', 'never'];
      for (const value of [base, last]) {
        const address = addressOf(family, value);
        // The last addresses of blocks around the IPv4-mapped one are IPv4 addresses: another family's business.
        if (address.family !== family) continue;
        const winner = SPECIAL_BLOCKS.find(({ block }) => contains(block, address))!;
        const found = order.indexOf(classifyAddress(address).class);
        if (winner.embeds === null) expect(found).toBe(order.indexOf(winner.class));
        else expect(found).toBeGreaterThanOrEqual(order.indexOf(winner.class));
        if (winner === row && row.embeds === null) expect(classifyAddress(address).name).toBe(row.name);
      }
    },
  );

  it('has a row for every address', () => {
    for (const text of ['8.8.8.8', '4000::1', '2606:4700::1111', '::5:0:0'])
      expect(classifyAddress(parseAddress(text)!).name).not.toBe('');
  });
});
