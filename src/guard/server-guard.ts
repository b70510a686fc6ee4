/** A guardrail that an OPA server evaluates: `POST /v1/data/PATH` with the input, answered with the result. */
import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { err, ok, type Result } from '../base/result.ts';
import { readAnswer } from './answer.ts';
import { failed, type Guard, type GuardAnswer } from './guard.ts';
import { GUARD_LIMITS, type GuardLimits } from './limits.ts';

/** Errors are clauses that follow the URL. */
export function openServerGuard(text: string, given: Partial<GuardLimits> = {}): Result<Guard, string> {
  const limits = { ...GUARD_LIMITS, ...given };
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return err('is no URL');
  }
  if (url.username !== '' || url.password !== '')
    return err('holds a password, which every process of this host can read');
  if (!url.pathname.startsWith('/v1/data/') || url.search !== '' || url.hash !== '')
    return err('is not of the form http://HOST:PORT/v1/data/PATH');
  const secure = url.protocol === 'https:';
  const sockets = { keepAlive: true, maxSockets: limits.serverConnections };
  const agent = secure ? new HttpsAgent(sockets) : new HttpAgent(sockets);
  let waiting = 0;
  return ok({
    async evaluate(input) {
      const body = Buffer.from(JSON.stringify({ input }));
      if (body.length > limits.inputBytes) return failed('what the guardrail is asked about is too large');
      if (waiting >= limits.waiting) return failed('too many questions wait for the guardrail');
      waiting += 1;
      try {
        return await ask(url, secure ? httpsRequest : httpRequest, { agent }, body, limits);
      } finally {
        waiting -= 1;
      }
    },
    async close() {
      agent.destroy();
    },
  });
}

function ask(
  url: URL,
  request: typeof httpRequest,
  options: RequestOptions,
  body: Buffer,
  { serverMs, answerBytes }: GuardLimits,
): Promise<GuardAnswer> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const asked = request(url, { ...options, method: 'POST', headers });
    const done = (answer: GuardAnswer): void => {
      clearTimeout(timer);
      resolve(answer);
      asked.destroy();
    };
    const fail = (why: string): void => done(failed(`the server of the guardrail ${why}`));
    const timer = setTimeout(() => fail(`did not answer within ${serverMs} ms`), serverMs);
    asked.on('error', ({ code, message }: NodeJS.ErrnoException) =>
      fail(`cannot be asked: ${code ?? message}`),
    );
    asked.on('response', (response) => {
      const parts: Buffer[] = [];
      let length = 0;
      response.on('data', (part: Buffer) => {
        parts.push(part);
        length += part.length;
        if (length > answerBytes) fail(`says more than ${answerBytes} bytes`);
      });
      response.on('error', () => fail('broke off its answer'));
      response.on('end', () => {
        if (response.statusCode !== 200) return fail(`answered with status ${response.statusCode}`);
        clearTimeout(timer);
        resolve(readResult(Buffer.concat(parts)));
      });
    });
    asked.end(body);
  });
}

/** Without a `result` the rule is undefined for the input. */
function readResult(body: Buffer): GuardAnswer {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return failed('the server of the guardrail answered with something other than JSON');
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    return failed('the server of the guardrail answered with something other than a result');
  return readAnswer(Object.hasOwn(document, 'result') ? (document as { result: unknown }).result : undefined);
}
