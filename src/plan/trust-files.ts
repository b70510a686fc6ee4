/** Files by which programs inside trust the sandbox's authority, and the variables that lead programs to them. */
export const TRUST_FILES = { ca: 'openshell-ca.pem', bundle: 'ca-bundle.pem' } as const;
export type TrustFile = keyof typeof TRUST_FILES;

/** Directory of them inside: in the root, where no listed path of the host can be in the way. */
export const TRUST_DIRECTORY = '/.openshell';
/** The same below the scratch directory of a run in the `platform` tier. */
export const TRUST_SCRATCH = 'tls';

/** Programs that add to what they trust get the authority; those that replace it get all. */
export const TRUST_VARIABLES: Readonly<Record<string, TrustFile>> = {
  NODE_EXTRA_CA_CERTS: 'ca',
  DENO_CERT: 'ca',
  SSL_CERT_FILE: 'bundle',
  REQUESTS_CA_BUNDLE: 'bundle',
  CURL_CA_BUNDLE: 'bundle',
  GIT_SSL_CAINFO: 'bundle',
};

/** The content of each. @param systemBundle of the host; empty when it has none */
export function trustFiles(given: {
  readonly systemBundle: string;
  readonly caPem: string;
}): Readonly<Record<TrustFile, string>> {
  const { systemBundle, caPem } = given;
  const between = systemBundle === '' || systemBundle.endsWith('\n') ? '' : '\n';
  return { ca: caPem, bundle: systemBundle + between + caPem };
}
