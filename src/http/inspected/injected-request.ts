/** A request that is allowed, with credentials in the place of placeholders: what is sent, and what is masked after. */
import type { Readable } from 'node:stream';
import { err, ok, type Result } from '../../base/result.ts';
import type { InjectedBody } from '../../inject/injection.ts';
import type { Injector } from '../../inject/injector.ts';
import type { Mask } from '../../inject/mask.ts';
import { InjectionError, type InjectionProblem, problem } from '../../inject/problem.ts';
import { CREDENTIAL_LIMITS } from '../../inject/provider.ts';
import { type BodyBytes, BodyStream } from '../../inject/request-body.ts';
import { wholeBody } from '../../inject/whole-body.ts';
import type { Selected } from '../../match/request-verdict.ts';
import type { Outbound } from './exchange.ts';

export interface Injected {
  readonly outbound: Outbound;
  readonly mask: Mask | null;
}

export interface Destination {
  readonly selected: Selected;
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
}

/** @param continues tells the client to send the body, if it waits; called when nothing but the body is missing */
export async function inject(
  injector: Injector,
  { selected, secure, host, port }: Destination,
  outbound: Outbound,
  continues: () => void,
): Promise<Result<Injected, InjectionProblem>> {
  const { method, target, headers, body } = outbound;
  const prepared = await injector.prepare({
    credential: selected.endpoint.inspection?.credential ?? null,
    method,
    target,
    headers,
    tls: secure,
    host,
    port,
    hasBody: body !== null,
  });
  if (!prepared.ok) return prepared;
  const { mask, ...head } = prepared.value;
  if (body === null || head.body.kind === 'same')
    return ok({ outbound: { method, target: head.target, headers: head.headers, body }, mask });
  continues();
  const sent = await withBody(head.body, head.headers, body);
  return sent.ok ? ok({ outbound: { method, target: head.target, ...sent.value }, mask }) : sent;
}

type Sent = Pick<Outbound, 'headers' | 'body'>;

async function withBody(
  handled: Exclude<InjectedBody, { kind: 'same' }>,
  headers: readonly string[],
  body: Readable | Buffer,
): Promise<Result<Sent, InjectionProblem>> {
  try {
    switch (handled.kind) {
      case 'checked':
        if (Buffer.isBuffer(body)) return ok({ headers, body: wholeThrough(body, handled.bytes()) });
        return ok({ headers, body: through(body, new BodyStream(handled.bytes())) });
      case 'changed': {
        const changed = Buffer.isBuffer(body)
          ? ({ kind: 'whole', bytes: wholeThrough(body, handled.bytes()) } as const)
          : await wholeBody(through(body, new BodyStream(handled.bytes())), CREDENTIAL_LIMITS.heldBodyBytes);
        if (changed.kind === 'longer') return ok({ headers, body: changed.stream });
        const { bytes } = changed;
        return ok({ headers: [...headers, 'Content-Length', String(bytes.length)], body: bytes });
      }
      case 'signed': {
        const whole = Buffer.isBuffer(body)
          ? ({ kind: 'whole', bytes: body } as const)
          : await wholeBody(body, handled.most);
        if (whole.kind === 'longer' || whole.bytes.length > handled.most)
          return err(
            problem(
              'credential_body_unreadable',
              `the body is longer than the ${handled.most} bytes that are signed`,
            ),
          );
        const signed = await handled.sign(whole.bytes);
        return signed.ok ? ok({ headers: signed.value, body: whole.bytes }) : signed;
      }
    }
  } catch (error) {
    if (error instanceof InjectionError) return err(error.problem);
    return err(problem('credential_body_unreadable', 'the body of the request broke off'));
  }
}

function wholeThrough(body: Buffer, bytes: BodyBytes): Buffer {
  const first = bytes.push(body);
  return Buffer.concat([first, bytes.end()]);
}

/** A stream that fails leaves the client's connection as it is: an answer is still to be sent there. */
function through<T extends Readable & NodeJS.WritableStream>(body: Readable, stage: T): T {
  body.pipe(stage);
  body.once('error', () => stage.destroy());
  body.once('close', () => {
    if (!body.readableEnded) stage.destroy();
  });
  stage.once('close', () => body.unpipe(stage));
  return stage;
}
