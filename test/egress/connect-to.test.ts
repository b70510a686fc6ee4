import { describe, expect, it } from 'vitest';
import { ConnectToTable, parseConnectTo, parsePort } from '../../src/egress/connect-to.ts';
import { host } from '../match/tables.ts';

describe('parseConnectTo', () => {
  it.each([
    ['a.test:443:127.0.0.1:8443', 'a.test', 443, '127.0.0.1', 8443],
    ['A.Test.:443:10.0.0.1:443', 'a.test', 443, '10.0.0.1', 443],
    ['a.test:443:[::1]:8443', 'a.test', 443, '::1', 8443],
    ['[2001:db8::1]:80:[FD00::1]:81', '2001:db8::1', 80, 'fd00::1', 81],
    ['1.2.3.4:80:5.6.7.8:80', '1.2.3.4', 80, '5.6.7.8', 80],
  ])('reads %s', (text, from, port, address, addressPort) => {
    const result = parseConnectTo(text);
    expect(
      result.ok && [
        result.value.host.text,
        result.value.port,
        result.value.address.text,
        result.value.addressPort,
      ],
    ).toEqual([from, port, address, addressPort]);
  });

  it.each([
    ['', /expected HOST:PORT:ADDRESS:PORT/],
    ['a.test', /expected/],
    ['a.test:443', /expected/],
    ['a.test:443:127.0.0.1', /expected/],
    ['a.test:443:127.0.0.1:', /expected/],
    ['a.test::127.0.0.1:443', /expected/],
    ['a.test:443:127.0.0.1:443:1', /expected/],
    ['a.test:443:::1:443', /expected/],
    [':443:127.0.0.1:443', /host is empty/],
    ['a.test:443::443', /address is empty/],
    ['a.test:443:b.test:443', /is a name/],
    ['a.test:443:127.1:443', /unusual form/],
    ['a.test:443:[127.0.0.1]:443', /brackets/],
    ['a.test:443:[fe80::1%eth0]:443', /zone id/],
    ['*.test:443:127.0.0.1:443', /host holds/],
    ['a.test:0:127.0.0.1:443', /1 to 65535/],
    ['a.test:443:127.0.0.1:65536', /1 to 65535/],
    ['a.test:0443:127.0.0.1:443', /1 to 65535/],
  ])('refuses %j', (text, why) => {
    const result = parseConnectTo(text);
    expect(result.ok ? 'accepted' : result.error).toMatch(why);
  });
});

describe('parsePort', () => {
  it.each([
    ['1', 1],
    ['65535', 65535],
    ['65536', null],
    ['0', null],
    ['', null],
    ['01', null],
    ['+1', null],
    ['1e3', null],
    [' 1', null],
    ['123456', null],
  ])('reads %j as %s', (text, port) => {
    expect(parsePort(text)).toBe(port);
  });
});

describe('ConnectToTable', () => {
  it('knows exactly the host and port, and the first entry holds', () => {
    const entries = ['a.test:443:127.0.0.1:1', 'a.test:443:127.0.0.1:2', '[::1]:80:127.0.0.1:3'].map(
      (text) => {
        const result = parseConnectTo(text);
        if (!result.ok) throw new Error(result.error);
        return result.value;
      },
    );
    const table = new ConnectToTable(entries);
    expect(table.find(host('A.TEST'), 443)?.addressPort).toBe(1);
    expect(table.find(host('[::1]'), 80)?.addressPort).toBe(3);
    expect(table.find(host('a.test'), 80)).toBeNull();
    expect(table.find(host('x.a.test'), 443)).toBeNull();
  });
});
