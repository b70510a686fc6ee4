import type { Ir } from './ir.ts';

/** One step of the compiler. It never changes `ir`, and never what the program answers. */
export interface Pass {
  readonly name: string;
  /** `changed` is false when there was nothing to do. */
  readonly run: (ir: Ir) => { readonly ir: Ir; readonly changed: boolean };
}
