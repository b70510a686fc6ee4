/**
 * `--connect-to HOST:PORT:ADDR:PORT`: the operator vouches that a host and port are at an address. The form is curl's,
 * with nothing left empty; IPv6 addresses stand in brackets.
 */

import type { Address } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type Host, normaliseHost } from '../match/host.ts';

export interface ConnectTo {
  readonly host: Host;
  readonly port: number;
  readonly address: Address;
  readonly addressPort: number;
}

const FORM = 'expected HOST:PORT:ADDRESS:PORT, with IPv6 addresses in brackets';
const FIELDS = /^(\[[^\]]*\]|[^:[\]]*):(\d+):(\[[^\]]*\]|[^:[\]]*):(\d+)$/;

/** Errors are messages for the person who typed it. */
export function parseConnectTo(text: string): Result<ConnectTo, string> {
  const fields = FIELDS.exec(text);
  if (fields === null) return err(`--connect-to \`${text}\`: ${FORM}`);
  const host = normaliseHost(fields[1]!);
  if (!host.ok) return err(`--connect-to \`${text}\`: the host ${host.error}`);
  const address = normaliseHost(fields[3]!);
  if (!address.ok) return err(`--connect-to \`${text}\`: the address ${address.error}`);
  if (address.value.address === null)
    return err(`--connect-to \`${text}\`: \`${fields[3]}\` is a name; give an address`);
  const port = parsePort(fields[2]!);
  const addressPort = parsePort(fields[4]!);
  if (port === null || addressPort === null)
    return err(`--connect-to \`${text}\`: ports are numbers from 1 to 65535`);
  return ok({ host: host.value, port, address: address.value.address, addressPort });
}

/** A decimal port from 1 to 65535 without leading zeros, or null. */
export function parsePort(text: string): number | null {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : null;
}

export class ConnectToTable {
  readonly #entries = new Map<string, ConnectTo>();

  /** As in curl, the first entry for a host and port holds. */
  constructor(entries: readonly ConnectTo[] = []) {
    for (const entry of entries) {
      const key = keyOf(entry.host, entry.port);
      if (!this.#entries.has(key)) this.#entries.set(key, entry);
    }
  }

  /** Every address that stands for some port of a host. */
  addressesOf(host: Host): readonly Address[] {
    const found = [...this.#entries.values()].filter((entry) => entry.host.text === host.text);
    return found.map(({ address }) => address).filter((address, i, all) => all.findIndex(({ text }) => text === address.text) === i);
  }

  find(host: Host, port: number): ConnectTo | null {
    return this.#entries.get(keyOf(host, port)) ?? null;
  }
}

const keyOf = (host: Host, port: number): string => `${host.text} ${port}`;
