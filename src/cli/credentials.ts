/** The credentials of one run: what is given, and what the workload knows of them. */
import { randomBytes } from 'node:crypto';
import type { GivenCredentials } from '../inject/make-injector.ts';
import { type MetadataFacts, TOKEN_VARIABLES } from '../inject/metadata.ts';
import { issuePlaceholders, type Placeholders, placeholdersByVariable } from '../inject/placeholder.ts';
import { type ReadCredential, readCredentials } from './credential-source.ts';
import { UsageError } from './usage.ts';

export interface Credentials {
  readonly read: readonly ReadCredential[];
  readonly given: GivenCredentials;
  /** Placeholders, by the variable of the workload that holds them. */
  readonly variables: ReadonlyMap<string, string>;
  /** Throws when one of these texts, which the workload is given, holds the value of a credential. */
  checkSpent(texts: readonly string[]): void;
}

/** @param environment openshell's own; variables that hold a credential are taken out of it */
export function takeCredentials(
  texts: readonly string[],
  environment: Record<string, string | undefined>,
): Credentials {
  const read = readCredentials(texts, environment);
  const providers = read.map(({ provider }) => provider);
  const placeholders = issuePlaceholders(providers, () => randomBytes(32).toString('hex'));
  return {
    read,
    given: { providers, placeholders, metadata: metadataOf(providers, placeholders) },
    variables: placeholdersByVariable(placeholders),
    checkSpent: (given) => {
      for (const { name, values } of providers)
        if (
          values.some(({ value }) =>
            secretsOf(value).some((secret) => given.some((text) => text.includes(secret))),
          )
        )
          throw new UsageError(
            `the value of the credential \`${name}\` stands in the command or the environment of the program too; leave it out there and use the placeholder`,
          );
    },
  };
}

/** Where a token of Google Cloud is among the values: what its libraries ask the metadata server for. */
function metadataOf(
  providers: GivenCredentials['providers'],
  placeholders: Placeholders,
): MetadataFacts | null {
  const variables = placeholdersByVariable(placeholders);
  const variable = TOKEN_VARIABLES.find((name) => variables.has(name));
  if (variable === undefined) return null;
  const owner = providers.find(({ values }) => values.some((value) => value.variable === variable));
  const { projectId = null, email = null } = owner?.gcp ?? {};
  return { token: variables.get(variable)!, email: email ?? 'default', projectId };
}

const secretsOf = (value: ReadCredential['provider']['values'][number]['value']): string[] =>
  typeof value === 'string'
    ? [value]
    : 'privateKey' in value
      ? [value.privateKey]
      : [value.clientSecret, value.refreshToken].filter((secret) => secret !== null);
