import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { ok } from '../../src/base/result.ts';
import { Destinations, type Target } from '../../src/egress/destination.ts';
import { createDialer, dialAddresses } from '../../src/egress/dial.ts';
import { EGRESS_LIMITS } from '../../src/egress/limits.ts';
import { decide } from '../../src/match/decide.ts';
import { buildIndex } from '../../src/match/egress-index.ts';
import { endpoint, host, identity, policy, table } from '../match/tables.ts';

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function listening(
  address = '127.0.0.1',
): Promise<{ server: Server; port: number; accepted: Socket[] }> {
  const accepted: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket);
    open.push({ close: () => socket.destroy() });
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  open.push(server);
  return { server, port: (server.address() as AddressInfo).port, accepted };
}

const target = (text: string, port: number): Target => ({ address: parseAddress(text)!, port });

/** Sockets that a test connects or breaks by hand, by the address that they were made for. */
function byHand() {
  const sockets: [string, Socket][] = [];
  const start = ({ address }: Target): Socket => {
    const socket = new Socket();
    sockets.push([address.text, socket]);
    return socket;
  };
  return { sockets, start, tried: () => sockets.map(([address]) => address) };
}
const soon = () => new Promise((resolve) => setTimeout(resolve, 40));
const limits = (more: Partial<Record<keyof typeof EGRESS_LIMITS, number>>) => ({ ...EGRESS_LIMITS, ...more });

describe('dialAddresses', () => {
  it('connects and keeps the halves of the connection apart', async () => {
    const { port, accepted } = await listening();
    const result = await dialAddresses({ targets: [target('127.0.0.1', port)] });
    if (!result.ok) throw new Error(result.error);
    const { socket } = result.value;
    open.push({ close: () => socket.destroy() });
    expect(result.value.target.address.text).toBe('127.0.0.1');
    expect(socket.allowHalfOpen).toBe(true);
    while (accepted.length === 0) await soon();
    accepted[0]!.end();
    await new Promise((resolve) => socket.resume().once('end', resolve));
    expect(socket.writable).toBe(true);
  });

  it('tries the next address when one refuses', async () => {
    const { port } = await listening('127.0.0.2');
    const result = await dialAddresses({ targets: [target('127.0.0.1', port), target('127.0.0.2', port)] });
    if (!result.ok) throw new Error(result.error);
    result.value.socket.destroy();
    expect(result.value.target.address.text).toBe('127.0.0.2');
  });

  it('says what happened at each address when all fail', async () => {
    const result = await dialAddresses({ targets: [target('127.0.0.1', 1), target('127.0.0.2', 1)] });
    expect(result).toEqual({ ok: false, error: 'ECONNREFUSED at 127.0.0.1, ECONNREFUSED at 127.0.0.2' });
  });

  it('tries the next address beside one that is silent, families in turn, and closes the losers', async () => {
    const hand = byHand();
    const targets = ['2001:db8::1', '2001:db8::2', '192.0.2.1', '192.0.2.2'].map((text) => target(text, 1));
    const result = dialAddresses({ targets }, limits({ staggerMs: 5 }), undefined, hand.start);
    await soon();
    expect(hand.tried()).toEqual(['2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2']);
    hand.sockets[2]![1].emit('connect');
    const won = await result;
    expect(won.ok && won.value.target.address.text).toBe('2001:db8::2');
    expect(hand.sockets.map(([, socket]) => socket.destroyed)).toEqual([true, true, false, true]);
  });

  it('goes on at once when an address fails', async () => {
    const hand = byHand();
    const targets = [target('192.0.2.1', 1), target('192.0.2.2', 1)];
    void dialAddresses({ targets }, limits({ staggerMs: 60_000, dialMs: 100 }), undefined, hand.start);
    hand.sockets[0]![1].destroy(new Error('no'));
    await soon();
    expect(hand.tried()).toEqual(['192.0.2.1', '192.0.2.2']);
  });

  it('gives up after its time, closing everything', async () => {
    const hand = byHand();
    const targets = [target('192.0.2.1', 1), target('192.0.2.2', 1)];
    const result = await dialAddresses(
      { targets },
      limits({ staggerMs: 5, dialMs: 50 }),
      undefined,
      hand.start,
    );
    expect(result).toEqual({ ok: false, error: 'no answer within 50 ms' });
    expect(hand.sockets.map(([, socket]) => socket.destroyed)).toEqual([true, true]);
  });

  it.each(['before', 'during'])('stops when the caller goes away %s the attempt', async (when) => {
    const hand = byHand();
    const controller = new AbortController();
    if (when === 'before') controller.abort();
    const result = dialAddresses(
      { targets: [target('192.0.2.1', 1)] },
      EGRESS_LIMITS,
      controller.signal,
      hand.start,
    );
    controller.abort();
    expect(await result).toEqual({ ok: false, error: 'the caller went away' });
    expect(hand.sockets.every(([, socket]) => socket.destroyed)).toBe(true);
  });

  it('tries a bounded number of addresses', async () => {
    const hand = byHand();
    const targets = Array.from({ length: 40 }, (_, i) => target(`192.0.2.${i}`, 1));
    await dialAddresses(
      { targets },
      limits({ staggerMs: 1, dialMs: 200, addresses: 4 }),
      undefined,
      hand.start,
    );
    expect(hand.sockets).toHaveLength(4);
  });
});

describe('createDialer', () => {
  const verdict = (rules: ReturnType<typeof endpoint>) => {
    const found = decide(buildIndex(table([policy('p', [rules])])), {
      host: host('a.test'),
      port: 80,
      identity: identity('/x'),
    });
    if (found.kind === 'deny') throw new Error(found.message);
    return found.candidates;
  };

  it('asks for the name once and dials what was checked, whatever the name says next (rebinding)', async () => {
    const answers = [['192.0.2.1'], ['127.0.0.1'], ['127.0.0.1']];
    let asked = 0;
    const lookup = async () => {
      asked += 1;
      return ok(answers.shift() ?? []);
    };
    const hand = byHand();
    const dialer = createDialer(new Destinations({ resolver: { lookup } }), EGRESS_LIMITS, hand.start);
    const result = dialer.dial(host('a.test'), 80, verdict(endpoint('a.test:80')));
    await soon();
    hand.sockets[0]![1].emit('connect');
    const dialled = await result;
    expect(dialled.ok && dialled.value.target.address.text).toBe('192.0.2.1');
    expect(hand.tried()).toEqual(['192.0.2.1']);
    expect(asked).toBe(1);
    const second = await dialer.dial(host('a.test'), 80, verdict(endpoint('a.test:80')));
    expect(second.ok ? '' : second.error.reason).toBe('special_address');
    expect(hand.tried()).toEqual(['192.0.2.1']);
  });

  it('says which rule allowed what could not be reached', async () => {
    const hand = byHand();
    const resolver = { lookup: async () => ok(['192.0.2.1']) };
    const dialer = createDialer(new Destinations({ resolver }), limits({ dialMs: 20 }), hand.start);
    const result = await dialer.dial(host('a.test'), 80, verdict(endpoint('a.test:80')));
    expect(result).toMatchObject({
      error: {
        reason: 'upstream_unreachable',
        detail: 'no connection to a.test:80: no answer within 20 ms',
        candidate: { rule: { policy: 'p', index: 0, line: 10 } },
      },
    });
  });

  it('judges an open connection under other rules by its address', async () => {
    const resolver = { lookup: async () => ok(['10.0.0.1']) };
    const hand = byHand();
    const dialer = createDialer(new Destinations({ resolver }), EGRESS_LIMITS, hand.start);
    const dialling = dialer.dial(host('a.test'), 80, verdict(endpoint('a.test:80')));
    await soon();
    hand.sockets[0]![1].emit('connect');
    const result = await dialling;
    if (!result.ok) throw new Error(result.error.detail);
    expect(dialer.recheck(host('a.test'), 80, verdict(endpoint('a.test:80')), result.value).ok).toBe(true);
    expect(dialer.recheck(host('a.test'), 80, verdict(endpoint('*.test:80')), result.value).ok).toBe(false);
    const vouched = { ...result.value, vouched: true };
    expect(dialer.recheck(host('a.test'), 80, verdict(endpoint('*.test:80')), vouched).ok).toBe(true);
  });
});
