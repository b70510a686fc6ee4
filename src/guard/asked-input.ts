/** What guardrails are told of a request's body: one document for each operation or call, as OpenShell asks of them. */
import type { Asked, AskedItem } from '../match/asked.ts';
import type { GuardRequest } from './guard.ts';

export type AskedInput = Partial<Pick<GuardRequest, 'graphql' | 'jsonrpc'>>;

const NOTHING_CALLED = {
  method: null,
  params: {},
  tool: null,
  receive_stream: false,
  has_response: false,
  error: null,
};

/** At least one: where nothing is asked for, the guardrail still hears of the request. */
export function askedInputs(asked: Asked | null, method: string): readonly AskedInput[] {
  if (asked === null) return [{}];
  if (asked.kind === 'control') {
    const isStream = method === 'GET';
    return [{ jsonrpc: { ...NOTHING_CALLED, receive_stream: isStream, has_response: method === 'POST' } }];
  }
  return asked.items.length === 0 ? [{}] : asked.items.map(inputOf);
}

function inputOf(item: AskedItem): AskedInput {
  switch (item.kind) {
    case 'operation':
      return {
        graphql: { operation_type: item.type, operation_name: item.name, fields: item.fields },
      };
    case 'call': {
      const params = item.tool === null ? {} : { name: item.tool };
      return { jsonrpc: { ...NOTHING_CALLED, method: item.method, params, tool: item.tool } };
    }
    case 'method':
      // The path says it.
      return {};
  }
}
