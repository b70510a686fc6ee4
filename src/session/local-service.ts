/** What the proxy answers for itself. */
import type { LocalService } from '../http/authorise.ts';
import type { GivenCredentials } from '../inject/make-injector.ts';
import { answerMetadata } from '../inject/metadata.ts';

/** Google's libraries ask the proxy as they would ask the metadata server. */
export const localService = (credentials: GivenCredentials | null): LocalService | null => {
  const metadata = credentials?.metadata ?? null;
  return metadata === null ? null : (request) => answerMetadata(request, metadata);
};
