import { describe, expect, it } from 'vitest';
import { ok } from '../../src/base/result.ts';
import { Callers } from '../../src/session/callers.ts';
import { host, identity } from '../match/tables.ts';

const curl = ok(identity('/usr/bin/curl'));
const evil = ok(identity('/tmp/evil'));
const V4 = Uint8Array.from([127, 0, 0, 1]);
const OTHER = Uint8Array.from([127, 0, 0, 2]);
const MAPPED = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1]);
const identityOf = async (callers: Callers, ...peer: Parameters<Callers['callerOf']>) =>
  (await callers.callerOf(...peer))?.identity ?? null;
const peer = (id: bigint, port: number, address = V4) => ({ kind: 'peer', id, port, address }) as const;
const at = (port: number, address = '127.0.0.1') => ({ address, port });

describe('Callers', () => {
  it('knows a caller by the address and port of its connection, once', async () => {
    const callers = new Callers();
    callers.connecting(1n, curl);
    callers.peer(peer(1n, 5000));
    expect(await identityOf(callers, at(5000))).toBe(curl);
    expect(await identityOf(callers, at(5000))).toBeNull();
  });

  it('takes a mapped address for the IPv4 address that is accepted', async () => {
    const callers = new Callers();
    callers.connecting(1n, curl);
    callers.peer(peer(1n, 5000, MAPPED));
    expect(await identityOf(callers, at(5000))).toBe(curl);
  });

  it('does not take one for another that has the same port at another address', async () => {
    const callers = new Callers();
    callers.connecting(1n, curl);
    callers.peer(peer(1n, 5000));
    callers.connecting(2n, evil);
    callers.peer(peer(2n, 5000, OTHER));
    expect(await identityOf(callers, at(5000, '127.0.0.2'))).toBe(evil);
    expect(await identityOf(callers, at(5000))).toBe(curl);
  });

  it('waits for reports that are on their way, also where an earlier caller is known', async () => {
    const callers = new Callers();
    callers.connecting(1n, curl);
    const early = identityOf(callers, at(5000));
    callers.peer(peer(1n, 5000));
    expect(await early).toBe(curl);

    callers.connecting(2n, curl); // it never reached the proxy
    callers.peer(peer(2n, 6000));
    callers.connecting(3n, evil); // and this one has its port now
    const late = identityOf(callers, at(6000));
    callers.peer(peer(3n, 6000));
    expect(await late).toMatchObject({ ok: false, error: { reason: 'identity_unavailable' } });
  });

  it('knows where a caller meant to go that went past the proxy', async () => {
    const callers = new Callers();
    const intended = { host: host('a.test'), port: 443 };
    callers.connecting(1n, curl, intended);
    callers.peer(peer(1n, 5000));
    expect(await callers.callerOf(at(5000))).toEqual({ identity: curl, intended });
  });

  it('does not wait for a call of which no connection came', async () => {
    const callers = new Callers(60_000);
    callers.connecting(1n, curl);
    const asked = identityOf(callers, at(5000));
    callers.peer(peer(1n, 0, new Uint8Array()));
    expect(await asked).toBeNull();
  });

  it('does not wait for ever', async () => {
    const callers = new Callers(10);
    callers.connecting(1n, curl);
    expect(await identityOf(callers, at(5000))).toBeNull();
  });

  it('ignores reports about calls that it does not know', async () => {
    const callers = new Callers();
    callers.peer(peer(9n, 5000));
    expect(await identityOf(callers, at(5000))).toBeNull();
  });
});
