/**
 * What the metadata server of Google Compute Engine tells programs, as far as their libraries need it to get a token: they
 * get the placeholder of one. Any program inside may ask; it learns no more than its environment holds.
 */

export interface MetadataFacts {
  /** The placeholder of a token. */
  readonly token: string;
  readonly email: string;
  readonly projectId: string | null;
}

export interface MetadataRequest {
  readonly method: string;
  /** Request-target in origin form. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface MetadataAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Variables whose placeholders stand for a token, the first that there is (OpenShell's names). */
export const TOKEN_VARIABLES = ['GCP_SA_ACCESS_TOKEN', 'GCP_ADC_ACCESS_TOKEN'] as const;

/** Seconds: the placeholder is good for as long as the sandbox lives. */
const EXPIRES_IN = 3600;
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const ACCOUNTS = '/computeMetadata/v1/instance/service-accounts';
const ACCOUNT = `${ACCOUNTS}/default`;

const text = (body: string): MetadataAnswer => ({ status: 200, type: 'application/text', body });
const json = (status: number, value: unknown): MetadataAnswer => ({
  status,
  type: 'application/json',
  body: JSON.stringify(value),
});

/** Null: the request is none of it. */
export function answerMetadata(
  { method, target, headers }: MetadataRequest,
  { token, email, projectId }: MetadataFacts,
): MetadataAnswer | null {
  const [raw = '', query = ''] = target.split('?');
  const path = raw.replace(/\/$/, '');
  if (path !== '' && path !== '/computeMetadata' && !path.startsWith('/computeMetadata/')) return null;
  if (method !== 'GET') return { status: 405, type: 'text/html', body: 'Method Not Allowed' };
  // A browser, or a server that was made to ask, cannot set the one; whoever passes requests on sets the other.
  if (headers['metadata-flavor'] !== 'Google' || headers['x-forwarded-for'] !== undefined)
    return { status: 403, type: 'text/html', body: 'Forbidden' };
  switch (path) {
    case '':
    case '/computeMetadata':
    case '/computeMetadata/v1':
      return text('computeMetadata/\n');
    case '/computeMetadata/v1/instance':
      return text('service-accounts/\n');
    case '/computeMetadata/v1/project/project-id':
      return projectId === null ? json(404, { error: 'not_found' }) : text(projectId);
    case ACCOUNTS:
      return text('default/\n');
    case ACCOUNT:
    case `${ACCOUNTS}/${email}`:
      return /(?:^|&)recursive=true(?:&|$)/i.test(query)
        ? json(200, { aliases: ['default'], email, scopes: [SCOPE] })
        : text('aliases\nemail\nscopes\ntoken\n');
    case `${ACCOUNT}/token`:
    case `${ACCOUNTS}/${email}/token`:
      return json(200, { access_token: token, expires_in: EXPIRES_IN, token_type: 'Bearer' });
    case `${ACCOUNT}/email`:
      return text(email);
    case `${ACCOUNT}/scopes`:
      return text(SCOPE);
    case `${ACCOUNT}/aliases`:
      return text('default\n');
    default:
      return json(404, { error: 'not_found' });
  }
}
