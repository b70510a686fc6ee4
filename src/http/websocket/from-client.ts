/** What a client sends: text is judged message by message, before any of it goes on; binary messages are let through or not. */
import type { Result } from '../../base/result.ts';
import { type FrameHead, OPCODE } from '../../inspect/websocket/frame.ts';
import type { SharedByWebSockets } from './budget.ts';
import { deflateMessage } from './compression.ts';
import { type DataToken, Direction, type Told } from './direction.ts';
import type { DeflateAgreed } from './extensions.ts';
import type { Outlet, Wait } from './outlet.ts';
import { type Failure, WholeMessage } from './whole-message.ts';

export interface Refusal {
  readonly kind: 'refuse';
  /** Close codes of RFC 6455, section 7.4.1: against the policy, or too big for it. */
  readonly code: 1008 | 1009;
  /** What the client is told with it: short, in ASCII, without anything secret. */
  readonly why: string;
}

/** `text`: what is sent in its place, or the same. */
export type TextJudgement = { readonly kind: 'pass'; readonly text: Buffer } | Refusal;
export type BinaryJudgement = { readonly kind: 'pass' } | Refusal;

export interface ClientRules {
  /** A whole message, in UTF-8. The bytes are no longer its own after it has answered. */
  judgeText(text: Buffer): TextJudgement | Promise<TextJudgement>;
  /** At the start of a binary message, none of which is read. */
  judgeBinary(): BinaryJudgement | Promise<BinaryJudgement>;
}

/** Smaller texts go on as they are. */
const COMPRESSED_FROM = 256;

export class FromClient extends Direction {
  readonly #rules: ClientRules;
  readonly #shared: SharedByWebSockets;
  readonly #text: WholeMessage;
  /** Of what is compressed for the server. */
  readonly #windowBits: number;
  #inText = false;

  constructor(
    options: {
      readonly rules: ClientRules;
      readonly deflate: DeflateAgreed | null;
      readonly shared: SharedByWebSockets;
    },
    server: Outlet,
    told: Told,
  ) {
    super({ masked: true, deflate: options.deflate !== null }, server, told);
    this.#rules = options.rules;
    this.#windowBits = options.deflate?.clientMaxWindowBits ?? 15;
    this.#shared = options.shared;
    this.#text = new WholeMessage(options.shared, (failure) => told.broken(failure));
  }

  /** Nothing goes on any more. @param listen only for the close frame */
  stop(listen: boolean): void {
    this.passing = listen ? 'controls' : 'nothing';
    this.#text.done();
  }

  protected override takeData(token: DataToken): Wait {
    if (this.passing !== 'all') return undefined;
    if (token.kind === 'head') return this.#begin(token.head);
    if (token.kind === 'payload')
      return this.#inText ? this.#add(token.bytes) : this.outlet.piece(token.bytes);
    return this.#inText && token.fin ? this.#complete() : undefined;
  }

  protected override usedUp(): void {
    this.#text.wait();
  }

  #begin(head: FrameHead): Wait {
    if (head.opcode !== OPCODE.continuation) this.#inText = head.opcode === OPCODE.text;
    if (this.#inText) {
      const failure = this.#text.frame(head);
      return failure === null ? undefined : this.told.broken(failure);
    }
    if (head.opcode === OPCODE.continuation) return this.outlet.begin(head);
    const judgement = this.#rules.judgeBinary();
    return judgement instanceof Promise
      ? judgement.then((answer) => this.#beginBinary(head, answer))
      : this.#beginBinary(head, judgement);
  }

  #beginBinary(head: FrameHead, judgement: BinaryJudgement): Wait {
    if (this.passing !== 'all') return undefined;
    return judgement.kind === 'pass' ? this.outlet.begin(head) : this.told.refused(judgement);
  }

  #add(bytes: Uint8Array): Wait {
    const failure = this.#text.add(bytes);
    return failure === null ? undefined : this.told.broken(failure);
  }

  #complete(): Wait {
    const text = this.#text.complete();
    return text instanceof Promise ? text.then((whole) => this.#judge(whole)) : this.#judge(text);
  }

  #judge(text: Result<Buffer, Failure>): Wait {
    if (this.passing !== 'all') return this.#text.done();
    if (!text.ok) return this.told.broken(text.error);
    const judgement = this.#rules.judgeText(text.value);
    return judgement instanceof Promise
      ? judgement.then((answer) => this.#answer(answer))
      : this.#answer(judgement);
  }

  #answer(judgement: TextJudgement): Wait {
    if (this.passing !== 'all') return this.#text.done();
    if (judgement.kind === 'refuse') return this.told.refused(judgement);
    const { text } = judgement;
    if (this.#text.compressed && text.length >= COMPRESSED_FROM && this.#windowBits > 8)
      return this.#sendCompressed(text);
    const wait = this.#send(text, false);
    if (wait === undefined) return this.#text.done();
    return wait.then(() => this.#text.done());
  }

  async #sendCompressed(text: Buffer): Promise<void> {
    const turn = this.#shared.compression.run(() => deflateMessage(text, this.#windowBits));
    if (turn === null) return this.told.broken({ code: 1013, detail: 'too many messages are being read' });
    const bytes = await turn;
    if (this.passing === 'all') await this.#send(bytes, true);
    this.#text.done();
  }

  #send(payload: Buffer, rsv1: boolean): Wait {
    return this.outlet.frame({ fin: true, rsv1, opcode: OPCODE.text }, payload);
  }
}
