/** Whether an endpoint may be reached at an address: the check that stands between a name and a dialled socket. */

import { type Address, type Cidr, contains } from '../base/address.ts';
import type { EgressEndpoint } from '../plan/plan.ts';
import { classifyAddress } from './classify-address.ts';
import { CONTROL_PLANE_PORTS } from './special-addresses.ts';

/** What an endpoint says about addresses. */
export interface AddressPlan {
  readonly hostKind: EgressEndpoint['hostKind'];
  /** The one address of an endpoint that is declared by address. */
  readonly literal: Address | null;
  /** Null: the endpoint has no `allowed_ips`. An empty list allows nothing. */
  readonly allowed: readonly Cidr[] | null;
}

export type AddressReason = 'special_address' | 'address_not_listed' | 'control_plane_port';

export interface AddressProblem {
  readonly reason: AddressReason;
  readonly address: Address;
  /** `never`: no policy can allow it. `private`: `allowed_ips` or an exact declaration can. */
  readonly class: 'never' | 'private' | 'public';
  /** Why, as a clause that follows the host's name. */
  readonly detail: string;
}

/**
 * Judges one address for one endpoint; null when it may be dialled.
 *
 * | endpoint | public | private | never |
 * |---|---|---|---|
 * | name | yes | yes | no |
 * | pattern | yes | no | no |
 * | address | itself | itself | no |
 * | any of these with `allowed_ips` | when inside | when inside | no |
 * | hostless (always with `allowed_ips`) | when inside | when inside | no |
 *
 * A control-plane port is refused at every address that is not public.
 */
export function judgeAddress(
  address: Address,
  plan: AddressPlan,
  port: number,
  nat64: readonly Cidr[] = [],
): AddressProblem | null {
  const kind = classifyAddress(address, nat64);
  const problem = (reason: AddressReason, detail: string): AddressProblem => ({
    reason,
    address,
    class: kind.class,
    detail,
  });
  if (kind.class === 'never')
    return problem('special_address', `is at ${address.text}, which no policy can allow (${kind.name})`);
  if (plan.literal !== null && plan.literal.text !== address.text)
    return problem('address_not_listed', `is at ${address.text}, but the endpoint is ${plan.literal.text}`);
  if (plan.allowed !== null && !plan.allowed.some((block) => contains(block, address)))
    return problem('address_not_listed', `is at ${address.text}, which is not in allowed_ips`);
  if (kind.class === 'public') return null;
  const declared = plan.hostKind === 'name' || plan.hostKind === 'address' || plan.allowed !== null;
  if (!declared)
    return problem(
      'special_address',
      `is at the internal address ${address.text} (${kind.name}), and the endpoint has no allowed_ips`,
    );
  if (CONTROL_PLANE_PORTS.has(port))
    return problem('control_plane_port', `is at ${address.text}, where port ${port} is a control-plane port`);
  return null;
}
