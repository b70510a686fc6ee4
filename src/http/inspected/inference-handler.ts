/** What answers the requests to inference.local, in the place of a server. */
import type { ProcessReference } from '../../event/event.ts';
import type { ClientExchange } from './client-exchange.ts';

/** Who asks, as far as it is known. */
export interface InferenceCaller {
  readonly process: ProcessReference | null;
}

export interface InferenceHandler {
  /**
   * Answers one request, whose header section was checked and names inference.local. Settles when the answer was given
   * or the client has left; rejects only on a defect.
   */
  handle(client: ClientExchange, caller: InferenceCaller): Promise<void>;
  /** Ends every call and every connection. */
  close(): Promise<void>;
}
