/** What is said on the control socket: one line of JSON each way, and both are closed. */
import type { Socket } from 'node:net';
import { err, ok, type Result } from '../base/result.ts';
import type { PolicyReloader, ReloadOutcome } from './policy-reloader.ts';

export const CONTROL_VERSION = 1;
export const CONTROL_LIMITS = {
  /** Bytes of a request, with its end of line. */
  requestBytes: 1024,
  /** Bytes of an answer. */
  answerBytes: 256 * 1024,
  /** Milliseconds that a client may take to say what it wants, and to take its answer. */
  clientMs: 5000,
  /** Lines about a policy, and characters of each. */
  messages: 50,
  messageLength: 2000,
} as const;

export type ControlRequest = 'reload' | 'status';
const REQUESTS: readonly string[] = ['reload', 'status'] satisfies ControlRequest[];

export interface RunStatus {
  readonly run: string;
  readonly pid: number;
  readonly policy: string;
  readonly generation: number;
  readonly quarantined: boolean;
}

export type ControlAnswer =
  | ({ readonly v: 1; readonly answer: 'status' } & RunStatus)
  | ({ readonly v: 1; readonly answer: 'reload'; readonly run: string } & ReloadOutcome)
  | { readonly v: 1; readonly answer: 'error'; readonly error: string };

export interface ControlledRun {
  readonly run: string;
  readonly policy: string;
  readonly reloader: Pick<PolicyReloader, 'reload' | 'state'>;
}

/** Errors are sentences. */
export function parseRequest(line: string): Result<ControlRequest, string> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return err('the request is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return err('the request is no object');
  const { v, request, ...rest } = value as Record<string, unknown>;
  const [surplus] = Object.keys(rest);
  if (v !== CONTROL_VERSION)
    return err(`the request is not of version ${CONTROL_VERSION}: use the same openshell for both`);
  if (surplus !== undefined) return err('the request has a field that is not known');
  if (typeof request !== 'string' || !REQUESTS.includes(request))
    return err('the request is none that is known');
  return ok(request as ControlRequest);
}

/** Hears one client out, and answers it. */
export function serveClient(client: Socket, controlled: ControlledRun): void {
  let heard = Buffer.alloc(0);
  client.setTimeout(CONTROL_LIMITS.clientMs, () => client.destroy());
  const hear = (bytes: Buffer): void => {
    heard = Buffer.concat([heard, bytes]);
    const line = firstLine(heard);
    if (line !== null) finish(line);
  };
  const cutShort = (): void => finish(err('the request has no end of line'));
  const finish = (line: Result<string, string>): void => {
    client.off('data', hear);
    client.off('end', cutShort);
    client.resume(); // what else it says is not read
    client.setTimeout(0); // the work takes what it takes
    void answerTo(line, controlled)
      .catch(() => errorAnswer('the request failed: this is a defect of openshell'))
      .then((answer) => answerWith(client, answer));
  };
  client.on('data', hear);
  client.on('end', cutShort);
}

/** Null: more has to come. */
function firstLine(heard: Buffer): Result<string, string> | null {
  const { requestBytes } = CONTROL_LIMITS;
  const end = heard.indexOf(0x0a);
  if (end >= requestBytes || heard.length > requestBytes)
    return err(`the request is longer than ${requestBytes} bytes`);
  if (end < 0) return null;
  if (end + 1 < heard.length) return err('there is something behind the request');
  return ok(heard.toString('utf8', 0, end));
}

async function answerTo(
  line: Result<string, string>,
  { run, policy, reloader }: ControlledRun,
): Promise<ControlAnswer> {
  const request = line.ok ? parseRequest(line.value) : line;
  if (!request.ok) return errorAnswer(request.error);
  if (request.value === 'status')
    return { v: CONTROL_VERSION, answer: 'status', run, pid: process.pid, policy, ...reloader.state };
  const outcome = await reloader.reload();
  const messages = outcome.messages
    .slice(0, CONTROL_LIMITS.messages)
    .map((message) => message.slice(0, CONTROL_LIMITS.messageLength));
  return { v: CONTROL_VERSION, answer: 'reload', run, ...outcome, messages };
}

const errorAnswer = (error: string): ControlAnswer => ({ v: CONTROL_VERSION, answer: 'error', error });

function answerWith(client: Socket, answer: ControlAnswer): void {
  client.setTimeout(CONTROL_LIMITS.clientMs, () => client.destroy());
  client.end(`${JSON.stringify(answer)}\n`, () => client.destroySoon());
}
