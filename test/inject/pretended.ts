import type { InjectableRequest } from '../../src/inject/injection.ts';
import { Injector } from '../../src/inject/injector.ts';
import { issuePlaceholders, placeholdersByVariable } from '../../src/inject/placeholder.ts';
import type { Provider } from '../../src/inject/provider.ts';
import { signRequest, unsigned } from '../../src/inject/signing.ts';
import type { EndpointCredential } from '../../src/plan/plan.ts';

export const SECRET = 'ghp_a/b+c "quoted" &=é';
export const TOKEN = 'sk-0123456789abcdef';
export const OTHER = 'belongs-to-another-host';

export const fixed = (name: string, values: Readonly<Record<string, string>>): Provider => ({
  name,
  values: Object.entries(values).map(([variable, value]) => ({ variable, source: { kind: 'fixed', value } })),
});

export const PROVIDERS = [fixed('one', { TOKEN, SECRET }), fixed('two', { OTHER })];

let count = 0;
export const PLACEHOLDERS = issuePlaceholders(PROVIDERS, () => {
  count += 1;
  return count.toString(16).padStart(64, '0');
});
const byVariable = placeholdersByVariable(PLACEHOLDERS);
export const ph = (variable: string): string => byVariable.get(variable)!;

export const injector = new Injector(PROVIDERS, PLACEHOLDERS, async () => ({ signRequest, unsigned }));

export const CREDENTIAL: EndpointCredential = {
  provider: 'one',
  headers: ['x-api-key'],
  bodies: false,
  websocket: false,
  cleartext: false,
  uninspected: false,
  signing: null,
};

export const request = (more: Partial<InjectableRequest> = {}): InjectableRequest => ({
  credential: CREDENTIAL,
  method: 'GET',
  target: '/',
  headers: ['Host', 'api.test'],
  tls: true,
  host: 'api.test',
  port: 443,
  hasBody: false,
  ...more,
});

/** The problem, or what goes out. */
export async function sent(
  more: Partial<InjectableRequest>,
): Promise<string | { target: string; headers: Record<string, string> }> {
  const prepared = await injector.prepare(request(more));
  if (!prepared.ok) return prepared.error.kind;
  const { headers, target } = prepared.value;
  const byName: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) byName[headers[i]!.toLowerCase()] = headers[i + 1]!;
  return { target, headers: byName };
}
