import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { hears, listensOnLoopback, loopbackOf } from '../../src/egress/loopback-listeners.ts';

const address = (text: string) => parseAddress(text)!;
const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (local: string, port: string, state: string) =>
  `${HEAD}   7: ${local}:${port} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1001        0 4711 1\n`;

describe('what listens on loopback', () => {
  it.each([
    ['its own address', '0100007F', '127.0.0.1', true],
    ['another of the same network', '0200007F', '127.0.0.1', false],
    ['every address', '00000000', '127.0.0.1', true],
    ['every address, for the other family', '00000000', '::1', false],
    ['every IPv6 address, which is every IPv4 one too', '0'.repeat(32), '127.0.0.1', true],
    ['every IPv6 address', '0'.repeat(32), '::1', true],
    ['its own IPv6 address', `${'0'.repeat(24)}01000000`, '::1', true],
    ['an IPv4 address of an IPv6 socket', `${'0'.repeat(16)}FFFF00000100007F`, '127.0.0.1', true],
    ['an address of the network', '0202A8C0', '127.0.0.1', false],
  ])('hears at %s', (_what, local, at, heard) => {
    expect(hears(row(local, '1F90', '0A'), 'tcp', address(at), 8080)).toBe(heard);
  });

  it('is not what is connected, has another port, or has it at the other end', () => {
    expect(hears(row('0100007F', '1F90', '01'), 'tcp', address('127.0.0.1'), 8080)).toBe(false);
    expect(hears(row('0100007F', '1F91', '0A'), 'tcp', address('127.0.0.1'), 8080)).toBe(false);
    const remote = `${HEAD}   7: 0100007F:0050 0100007F:1F90 01 0:0 0\n`;
    expect(hears(remote, 'tcp', address('127.0.0.1'), 8080)).toBe(false);
  });

  it('is found among the sockets of this machine', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await listensOnLoopback(address('127.0.0.1'), port, 'tcp')).toBe(true);
    expect(await listensOnLoopback(address('127.0.0.2'), port, 'tcp')).toBe(false);
    server.close();
    await once(server, 'close');
    expect(await listensOnLoopback(address('127.0.0.1'), port, 'tcp')).toBe(false);
  });

  it('is found for datagrams', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    expect(await listensOnLoopback(address('127.0.0.1'), port, 'udp')).toBe(true);
    expect(await listensOnLoopback(address('::1'), port, 'udp')).toBe(false);
    socket.close();
  });
});

it.each([
  ['127.0.0.1', '127.0.0.1'],
  ['127.8.9.1', '127.8.9.1'],
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['128.0.0.1', undefined],
  ['::2', undefined],
])('%s means %s', (text, loopback) => {
  expect(loopbackOf(address(text))?.text).toBe(loopback);
});
