/** Finds sandboxes of this user that run, and speaks to them. What a killed one left behind is removed. */
import { closeSync, readdirSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { err, ok, type Result } from '../base/result.ts';
import {
  CONTROL_LIMITS,
  CONTROL_VERSION,
  type ControlAnswer,
  type ControlRequest,
} from './control-protocol.ts';
import { CONTROL_SUFFIX, openOwn, pathBy } from './control-socket.ts';

/** Names of runs, as `startTime-pid` in base 36 (see run.ts). */
const RUN = /^[0-9a-z]{1,16}-([0-9a-z]{1,8})$/;
/** A reload closes connections, for which the launcher has half a minute. */
const ANSWER_MS = 60_000;

export interface Controlled {
  readonly run: string;
  readonly pid: number;
}

export class ControlClient {
  readonly #held: number | null;

  constructor(directory: string) {
    this.#held = openOwn(directory);
  }

  /** In the order in which they started. */
  runs(): Controlled[] {
    if (this.#held === null) return [];
    return readdirSync(`/proc/self/fd/${this.#held}`)
      .filter((name) => name.endsWith(CONTROL_SUFFIX))
      .map((name) => name.slice(0, -CONTROL_SUFFIX.length))
      .flatMap((run) => {
        const pid = RUN.exec(run)?.[1];
        return pid === undefined ? [] : [{ run, pid: Number.parseInt(pid, 36) }];
      })
      .sort((a, b) => a.run.length - b.run.length || (a.run < b.run ? -1 : 1));
  }

  /** Null: it has ended. Errors are sentences. */
  ask({ run }: Controlled, request: ControlRequest): Promise<Result<ControlAnswer, string> | null> {
    const path = pathBy(this.#held!, run);
    return new Promise((resolve) => {
      let answer = '';
      const socket = connect(path, () =>
        socket.write(`${JSON.stringify({ v: CONTROL_VERSION, request })}\n`),
      );
      const done = (result: Result<ControlAnswer, string> | null): void => {
        socket.destroy();
        resolve(result);
      };
      socket.setTimeout(ANSWER_MS, () => done(err(`the run ${run} does not answer`)));
      socket.setEncoding('utf8').on('data', (text: string) => {
        answer += text;
        if (answer.length > CONTROL_LIMITS.answerBytes) done(err(`the run ${run} says too much`));
      });
      socket.once('error', ({ code, message }: NodeJS.ErrnoException) => {
        if (code !== 'ECONNREFUSED' && code !== 'ENOENT')
          return done(err(`the run ${run} cannot be spoken to: ${code ?? message}`));
        remove(path);
        done(null);
      });
      socket.once('end', () => done(readAnswer(answer, run)));
    });
  }

  close(): void {
    if (this.#held !== null) closeSync(this.#held);
  }
}

function readAnswer(text: string, run: string): Result<ControlAnswer, string> {
  try {
    const answer = JSON.parse(text) as ControlAnswer;
    if (answer.v === CONTROL_VERSION) return answer.answer === 'error' ? err(answer.error) : ok(answer);
  } catch {}
  return err(`the run ${run} ended, or is of another version of openshell`);
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {}
}
