/** What goes into the preparation of a request, and what comes out. */
import type { Result } from '../base/result.ts';
import type { EndpointCredential } from '../plan/plan.ts';
import type { Mask } from './mask.ts';
import type { InjectionProblem } from './problem.ts';
import type { BodyBytes } from './request-body.ts';

export interface InjectableRequest {
  /** Of the endpoint that was selected for the request; null: nothing is bound there. */
  readonly credential: EndpointCredential | null;
  readonly method: string;
  /** Origin form, as it was judged. */
  readonly target: string;
  /** End-to-end headers as they are to be sent, Host and Content-Length among them: a flat list. */
  readonly headers: readonly string[];
  /** Whether it goes to the server by TLS, to the name that was judged. */
  readonly tls: boolean;
  /** As the server is addressed. */
  readonly host: string;
  readonly port: number;
  readonly hasBody: boolean;
}

export interface Injection {
  readonly target: string;
  readonly headers: readonly string[];
  readonly body: InjectedBody;
  /** For everything that the server sends; null: it was sent nothing that could come back. */
  readonly mask: Mask | null;
}

export type InjectedBody =
  | { readonly kind: 'same' }
  /** Goes through new `bytes()`. `changed`: its length differs, so Content-Length is gone from the headers. */
  | { readonly kind: 'checked' | 'changed'; readonly bytes: () => BodyBytes }
  /** Must be whole before the head can be sent. */
  | { readonly kind: 'signed'; readonly most: number; readonly sign: Sign };

/** Headers for the whole body. */
type Sign = (body: Buffer) => Promise<Result<readonly string[], InjectionProblem>>;
