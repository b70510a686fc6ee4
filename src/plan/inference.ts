/** The one destination that is answered by openshell itself, whatever the policy says of it. */
import type { EgressTable } from './plan.ts';

export const INFERENCE_HOST = 'inference.local';
/** Any other port of the name is judged by the policy, like any host. */
export const INFERENCE_PORT = 443;

/** @param host in its normal form */
export const servesInference = (
  { inference }: Pick<EgressTable, 'inference'>,
  host: string,
  port: number,
): boolean => inference !== undefined && host === INFERENCE_HOST && port === INFERENCE_PORT;
