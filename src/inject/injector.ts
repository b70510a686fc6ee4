/**
 * Between the decision about a request and its way to the server: placeholders become credentials, where the policy
 * bound them to the endpoint that was selected, and nowhere else; what the server answers is masked.
 */
import { err, ok, type Result } from '../base/result.ts';
import type { EndpointCredential, RequestSigning } from '../plan/plan.ts';
import { answerable } from './answer.ts';
import { valuesOf, without } from './header-list.ts';
import type { InjectableRequest, InjectedBody, Injection } from './injection.ts';
import { Mask } from './mask.ts';
import { isMarked, type Placeholders, substitute, type Values } from './placeholder.ts';
import { describeSubstitution, type InjectionProblem, problem } from './problem.ts';
import { CREDENTIAL_LIMITS, type Provider } from './provider.ts';
import { type BodyBytes, bodyForm, CheckedBytes, FilledBytes, FilledForm } from './request-body.ts';
import { fillHead, headIsMarked } from './request-head.ts';
import type { Signing } from './signing.ts';

const LENGTHS: ReadonlySet<string> = new Set([
  'content-length',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest',
]);

export class Injector {
  readonly #providers: ReadonlyMap<string, Provider>;
  readonly #placeholders: Placeholders;
  readonly #signer: () => Promise<Signing>;
  readonly #masks = new Map<string, { readonly generation: string; readonly mask: Mask }>();

  /** @param signer loaded when it is first needed */
  constructor(providers: readonly Provider[], placeholders: Placeholders, signer: () => Promise<Signing>) {
    this.#providers = new Map(providers.map((provider) => [provider.name, provider]));
    this.#placeholders = placeholders;
    this.#signer = signer;
  }

  async prepare(request: InjectableRequest): Promise<Result<Injection, InjectionProblem>> {
    const { credential, target, headers, hasBody } = request;
    const marked = headIsMarked(request);
    if (credential === null) {
      if (marked) return err(this.#misplaced(request));
      return ok({ target, headers, body: hasBody ? CHECKED : SAME, mask: null });
    }
    if (/^TRAC[EK]$/i.test(request.method))
      return err(
        problem('credential_not_placeable', `${request.method} asks the server to send the request back`),
      );
    if (marked && !request.tls && !credential.cleartext) return err(CLEARTEXT);
    const fillsBody = credential.bodies && hasBody && (request.tls || credential.cleartext);
    const values = await this.#values(credential.provider, marked || fillsBody);
    if (!values.ok) return values;
    if (credential.signing !== null) return this.#sign(request, credential, credential.signing, values.value);
    const filled = marked ? fillHead(request, values.value, credential.headers) : ok({ target, headers });
    if (!filled.ok) return filled;
    const body = hasBody ? this.#body(request, credential, fillsBody, values.value) : ok(SAME);
    if (!body.ok) return body;
    const changed =
      body.value.kind === 'changed' ? without(filled.value.headers, LENGTHS) : filled.value.headers;
    return ok({
      target: filled.value.target,
      headers: answerable(changed),
      body: body.value,
      mask: this.mask(credential),
    });
  }

  /** A text message of a client; `null` credential: nothing is bound there. */
  async message(
    text: string,
    credential: EndpointCredential | null,
    tls: boolean,
  ): Promise<Result<string, InjectionProblem>> {
    if (!isMarked(text)) return ok(text);
    if (credential === null) return err(this.#describe(text, 'in a message'));
    if (!credential.websocket) {
      if (credential.uninspected) return ok(text);
      return err(
        problem(
          'credential_not_placeable',
          'a message holds a placeholder, and messages are not rewritten at this endpoint',
        ),
      );
    }
    if (!tls && !credential.cleartext) return err(CLEARTEXT);
    const values = await this.#values(credential.provider, true);
    if (!values.ok) return values;
    const json = /^\s*[[{"]/.test(text);
    const write = (value: string): { text: string } => ({
      text: json ? JSON.stringify(value).slice(1, -1) : value,
    });
    const filled = substitute(text, values.value, write, CREDENTIAL_LIMITS.filledMessageBytes);
    return filled.kind === 'text'
      ? ok(filled.text)
      : err(describeSubstitution(filled.problem, 'in a message'));
  }

  /** For what a server sends that was sent this credential. */
  mask({ provider }: EndpointCredential): Mask {
    const { values = [] } = this.#providers.get(provider) ?? {};
    const generation = values
      .map(({ source }) => (source.kind === 'granted' ? source.tokens.generation : 0))
      .join();
    const known = this.#masks.get(provider);
    if (known?.generation === generation) return known.mask;
    const placeholders = new Map(
      [...this.#placeholders.values()].map((placeholder) => [
        `${placeholder.provider} ${placeholder.variable}`,
        placeholder.text,
      ]),
    );
    const secrets = values.flatMap(({ variable, source }) => {
      const placeholder = placeholders.get(`${provider} ${variable}`) ?? null;
      if (source.kind === 'fixed') return [{ secret: source.value, placeholder }];
      return source.tokens.secrets().map((secret) => ({ secret, placeholder }));
    });
    const mask = new Mask(secrets);
    this.#masks.set(provider, { generation, mask });
    return mask;
  }

  /** What the placeholders of a provider stand for just now. */
  async #values(name: string, wanted: boolean): Promise<Result<Values, InjectionProblem>> {
    const byPlaceholder = new Map<string, string>();
    const values: Values = { byPlaceholder, known: this.#placeholders };
    if (!wanted) return ok(values);
    const provider = this.#providers.get(name);
    for (const { text, variable, provider: owner } of this.#placeholders.values()) {
      if (owner !== name) continue;
      const source = provider?.values.find((value) => value.variable === variable)?.source;
      if (source?.kind === 'fixed') byPlaceholder.set(text, source.value);
      if (source?.kind !== 'granted') continue;
      const token = await source.tokens.current();
      if (!token.ok)
        return err(problem('credential_token_failed', `no token for ${variable}: ${token.error}`));
      byPlaceholder.set(text, token.value);
    }
    return ok(values);
  }

  #body(
    { headers }: InjectableRequest,
    credential: EndpointCredential,
    fills: boolean,
    values: Values,
  ): Result<InjectedBody, InjectionProblem> {
    if (!fills) return ok(credential.uninspected ? SAME : CHECKED);
    const coded = valuesOf(headers, 'content-encoding').some(
      (coding) => !/^\s*(?:identity)?\s*$/i.test(coding),
    );
    if (coded) {
      if (credential.uninspected) return ok(SAME);
      return err(
        problem(
          'credential_body_unreadable',
          'the body of the request is in a content coding, in which no placeholder is found',
        ),
      );
    }
    const form = bodyForm(valuesOf(headers, 'content-type')[0]);
    if (form === null) return ok(credential.uninspected ? SAME : CHECKED);
    const bytes = (): BodyBytes => (form === 'form' ? new FilledForm(values) : new FilledBytes(values, form));
    return ok({ kind: 'changed', bytes });
  }

  async #sign(
    request: InjectableRequest,
    credential: EndpointCredential,
    signing: RequestSigning,
    values: Values,
  ): Promise<Result<Injection, InjectionProblem>> {
    if (!request.tls && !credential.cleartext) return err(CLEARTEXT);
    const { signRequest, unsigned } = await this.#signer();
    // What clients sign with placeholders goes; what is left of those is replaced or refused.
    const stripped = { target: request.target, headers: answerable(unsigned(request.headers)) };
    const filled = fillHead(stripped, values, credential.headers);
    if (!filled.ok) return filled;
    const provider = this.#providers.get(credential.provider);
    const signed = await signRequest(
      { ...request, ...filled.value },
      valuesOf(request.headers, 'x-amz-content-sha256')[0] ?? null,
      signing,
      async (variable) => {
        const source = provider?.values.find((value) => value.variable === variable)?.source;
        if (source === undefined) return ok(null);
        return source.kind === 'fixed' ? ok(source.value) : source.tokens.current();
      },
    );
    if (!signed.ok) return signed;
    return ok({ target: filled.value.target, ...signed.value, mask: this.mask(credential) });
  }

  /** A placeholder where no credential is bound. */
  #misplaced({ target, headers }: InjectableRequest): InjectionProblem {
    return this.#describe([target, ...headers].join('\n'), 'in the head of the request');
  }

  #describe(text: string, where: string): InjectionProblem {
    const decoded = text
      .replace(/%3a/gi, ':')
      .replace(/\bbasic\s+([A-Za-z0-9+/_-]+=*)/gi, (_, digits: string) =>
        Buffer.from(digits, 'base64').toString('latin1'),
      );
    const known = [...this.#placeholders.values()].find((placeholder) => decoded.includes(placeholder.text));
    return describeSubstitution(
      known === undefined ? { kind: 'unknown' } : { kind: 'elsewhere', placeholder: known },
      where,
    );
  }
}

const SAME: InjectedBody = { kind: 'same' };
const CHECKED: InjectedBody = { kind: 'checked', bytes: () => new CheckedBytes() };
const CLEARTEXT = problem(
  'credential_cleartext',
  'the request goes to the server without TLS, where everyone on the way could read the credential',
);
