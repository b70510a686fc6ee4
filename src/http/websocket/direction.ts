/** What both directions have in common: frames are read one after the other, and go on or come to an end. */
import { OPCODE } from '../../inspect/websocket/frame.ts';
import { FrameReader, type FrameRules, type FrameToken } from '../../inspect/websocket/frame-reader.ts';
import type { Reader } from './inlet.ts';
import type { Outlet, Wait } from './outlet.ts';
import type { Failure } from './whole-message.ts';

/** Whom a direction tells what happens on it. */
export interface Told {
  /** A close frame came. */
  close(payload: Uint8Array): Wait;
  refused(refusal: { readonly code: number; readonly why: string }): undefined;
  broken(failure: Failure): undefined;
  ended(): void;
  failed(error: unknown): void;
}

export type DataToken = Exclude<FrameToken, { readonly kind: 'fault' | 'control' }>;

export abstract class Direction implements Reader {
  protected readonly outlet: Outlet;
  protected readonly told: Told;
  /** `controls`: data is dropped. */
  protected passing: 'all' | 'controls' | 'nothing' = 'all';
  readonly #frames: FrameReader;

  constructor(rules: FrameRules, outlet: Outlet, told: Told) {
    this.#frames = new FrameReader(rules);
    this.outlet = outlet;
    this.told = told;
  }

  protected abstract takeData(token: DataToken): Wait;

  /** More has to come. */
  protected abstract usedUp(): void;

  push(chunk: Buffer): void {
    if (this.passing !== 'nothing') this.#frames.push(chunk);
  }

  step(): boolean | Promise<void> {
    if (this.passing === 'nothing') return false;
    const token = this.#frames.next();
    if (token !== null) return this.#take(token) ?? true;
    this.usedUp();
    return false;
  }

  cork(): void {
    this.outlet.cork();
  }

  uncork(): void {
    this.outlet.uncork();
  }

  ended(): void {
    this.told.ended();
  }

  failed(error: unknown): void {
    this.told.failed(error);
  }

  #take(token: FrameToken): Wait {
    if (token.kind === 'fault') return this.told.broken(token);
    if (token.kind !== 'control') return this.takeData(token);
    if (token.opcode === OPCODE.close) return this.told.close(token.payload);
    // After a close frame of ours the outlet drops it.
    return this.outlet.control(token.opcode, token.payload);
  }
}
