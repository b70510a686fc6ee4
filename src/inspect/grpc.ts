/** The method that a request of gRPC names (gRPC over HTTP/2, "Requests"); messages themselves are not looked at. */
import { ok, type Result } from '../base/result.ts';
import type { Asked } from '../match/asked.ts';
import type { RequestFacts } from '../match/request-facts.ts';
import type { HeaderValues } from './header-values.ts';
import { problem, type RequestProblem } from './request-problem.ts';

const SERVICE = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;
const METHOD = /^[A-Za-z_]\w*$/;
/** With `+proto` and the like. gRPC-Web names methods in the same way. */
const TYPE = /^application\/grpc(?:-web(?:-text)?)?(?:\+[a-z0-9.+-]+)?[ \t]*(?:;.*)?$/i;

export function readGrpcRequest(facts: RequestFacts, headers: HeaderValues): Result<Asked, RequestProblem> {
  if (facts.method !== 'POST') return problem('grpc_invalid', 'gRPC is asked for with POST');
  const types = headers('content-type');
  if (types.length !== 1 || !TYPE.test(types[0]!))
    return problem('grpc_invalid', 'the Content-Type is not `application/grpc`');
  const [root, service, method, ...rest] = facts.components;
  if (root !== '' || service === undefined || method === undefined || rest.length > 0)
    return problem('grpc_invalid', 'the path is not `/package.Service/Method`');
  if (!SERVICE.test(service) || !METHOD.test(method) || facts.target !== facts.path)
    return problem('grpc_invalid', 'the path is not `/package.Service/Method`');
  return ok({ kind: 'items', items: [{ kind: 'method', service, method }] });
}
