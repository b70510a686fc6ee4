/** Credentials as they were given to what fills them in. */
import { Injector } from './injector.ts';
import type { MetadataFacts } from './metadata.ts';
import type { Placeholders } from './placeholder.ts';
import type { CredentialDocument, Provider } from './provider.ts';
import { tokenEndpoint } from './token-endpoint.ts';
import { GrantedTokens } from './token-grant.ts';

export interface GivenCredentials {
  readonly providers: readonly NamedDocument[];
  readonly placeholders: Placeholders;
  /** What a metadata server tells; null: no credential is a token of Google Cloud. */
  readonly metadata: MetadataFacts | null;
}

export type NamedDocument = CredentialDocument & { readonly name: string };

/** @param trusted PEM of authorities by which token endpoints are trusted, besides those that Node brings */
export function makeInjector(
  { providers, placeholders }: GivenCredentials,
  trusted: readonly string[],
): Injector {
  const post = tokenEndpoint(trusted);
  const made: Provider[] = providers.map(({ name, values }) => ({
    name,
    values: values.map(({ variable, value }) => ({
      variable,
      source:
        typeof value === 'string'
          ? { kind: 'fixed', value }
          : { kind: 'granted', tokens: new GrantedTokens(value, post, Date.now) },
    })),
  }));
  return new Injector(made, placeholders, () => import('./signing.late.ts'));
}
