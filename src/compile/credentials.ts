/** Credentials: what an endpoint says of the one that is bound to it, and whether bindings and command line agree. */
import type { EndpointCredential } from '../plan/plan.ts';
import type { Endpoint, Policy } from '../policy/policy.ts';
import { PASSED_VARIABLES } from './environment.ts';
import type { CompileProblem, OperatorRequest } from './input.ts';

const PAYLOAD = { sigv4: 'automatic', 'sigv4:body': 'signed', 'sigv4:no_body': 'unsigned' } as const;
/** What signatures are made with; a session token is used when there is one. */
export const SIGNING_VARIABLES = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const;

export function endpointCredential(endpoint: Endpoint): EndpointCredential | null {
  const { credentialBinding: binding, credentialSigning: signing, signingService } = endpoint;
  if (binding === null) return null;
  return {
    provider: binding.provider,
    headers: binding.headers,
    bodies: endpoint.requestBodyCredentialRewrite,
    websocket: endpoint.websocketCredentialRewrite,
    cleartext: binding.cleartext,
    uninspected: endpoint.allowUninspectedCredentials,
    signing:
      signing === null || signingService === null
        ? null
        : { payload: PAYLOAD[signing.value], service: signingService, region: endpoint.signingRegion },
  };
}

/** Files that no workload may see. */
export const credentialFiles = ({ credentials, inference }: OperatorRequest): string[] => [
  ...(credentials ?? []).flatMap(({ file }) => (file === null ? [] : [file])),
  ...(inference?.files ?? []),
];

/** Bindings without a credential, credentials without a binding, and variables that two want. */
export function credentialProblems(policy: Policy | null, operator: OperatorRequest): CompileProblem[] {
  const endpoints = (policy?.network ?? []).flatMap(({ key, endpoints }) =>
    endpoints.map((endpoint) => ({ key, endpoint })),
  );
  const { credentials } = operator;
  const bound = new Set(endpoints.map(({ endpoint }) => endpoint.credentialBinding?.provider));
  const problems: CompileProblem[] = [];
  for (const { key, endpoint } of endpoints) problems.push(...endpointProblems(key, endpoint, credentials));
  for (const { provider } of credentials ?? []) {
    if (bound.has(provider)) continue;
    problems.push({
      message: `the credential \`${provider}\` is bound to no endpoint`,
      hint: `add \`credential_binding: {provider: ${provider}}\` to the endpoint that it is for, or leave \`--credential ${provider}=…\` out`,
      line: null,
    });
  }
  return [...problems, ...variableProblems(operator)];
}

function endpointProblems(
  key: string,
  endpoint: Endpoint,
  credentials: OperatorRequest['credentials'],
): CompileProblem[] {
  const { credentialBinding: binding, credentialSigning: signing } = endpoint;
  if (signing !== null && binding === null) {
    return [
      {
        message: `network_policies.${key}: \`credential_signing\` has no credential to sign with`,
        hint: 'add `credential_binding: {provider: NAME}`, and start with `--credential NAME=…`',
        line: signing.span.line,
      },
    ];
  }
  if (binding === null || credentials === null) return [];
  const { provider, span } = binding;
  const given = credentials.find((credential) => credential.provider === provider);
  if (given === undefined) {
    return [
      {
        message: `network_policies.${key}: the provider \`${provider}\` is bound here, and no credential of that name was given`,
        hint: `add \`--credential ${provider}=env:VAR\`, \`file:PATH\` or \`fd:N\``,
        line: span.line,
      },
    ];
  }
  const missing = SIGNING_VARIABLES.filter((name) => !given.variables.includes(name));
  if (signing === null || missing.length === 0) return [];
  return [
    {
      message: `network_policies.${key}: \`credential_signing\` needs ${missing.join(' and ')}, which the credential \`${provider}\` does not have`,
      hint: `give it as \`--credential ${provider}=file:PATH\` with {"credentials": {"AWS_ACCESS_KEY_ID": "…", "AWS_SECRET_ACCESS_KEY": "…"}}`,
      line: signing.span.line,
    },
  ];
}

function variableProblems({ credentials, environment }: OperatorRequest): CompileProblem[] {
  const taken = new Set<string>([...PASSED_VARIABLES, ...environment]);
  const problems: CompileProblem[] = [];
  for (const { provider, variables } of credentials ?? []) {
    for (const name of variables) {
      if (taken.has(name)) {
        problems.push({
          message: `the credential \`${provider}\` and something else both set the variable ${name}`,
          hint: 'leave out `--env` for it, or give the credential another name',
          line: null,
        });
      }
      taken.add(name);
    }
  }
  return problems;
}
