/** A form to a token endpoint: by TLS with whom the operator trusts, bounded, without redirects and without a proxy. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { rootCertificates } from 'node:tls';
import { err, ok } from '../base/result.ts';
import { CREDENTIAL_LIMITS } from './provider.ts';
import type { Post } from './token-grant.ts';

/** @param trusted PEM of authorities, besides those that Node brings */
export const tokenEndpoint =
  (trusted: readonly string[]): Post =>
  (url, form) =>
    new Promise((resolve) => {
      const { protocol } = new URL(url);
      const fail = (detail: string): void => resolve(err(detail));
      const options = {
        method: 'POST',
        agent: false as const,
        headers: {
          'Content-Type': 'application/x-www-form-urlencoded',
          'Content-Length': Buffer.byteLength(form),
          Accept: 'application/json',
        },
        signal: AbortSignal.timeout(CREDENTIAL_LIMITS.tokenMs),
      };
      const request =
        protocol === 'https:'
          ? httpsRequest(url, { ...options, ca: [...rootCertificates, ...trusted] })
          : httpRequest(url, options);
      request.on('error', (error: NodeJS.ErrnoException) => fail(describe(error)));
      request.on('response', (response) => {
        const pieces: Buffer[] = [];
        let length = 0;
        response.on('data', (piece: Buffer) => {
          pieces.push(piece);
          length += piece.length;
          if (length > CREDENTIAL_LIMITS.tokenAnswerBytes) {
            request.destroy();
            fail(`the token endpoint sent more than ${CREDENTIAL_LIMITS.tokenAnswerBytes} bytes`);
          }
        });
        response.on('error', () => fail('the token endpoint broke off its answer'));
        response.on('end', () =>
          resolve(ok({ status: response.statusCode ?? 0, body: Buffer.concat(pieces).toString('utf8') })),
        );
      });
      request.end(form);
    });

/** By its code alone: messages of errors may hold what was sent. */
const describe = ({ name, code }: NodeJS.ErrnoException): string =>
  name === 'TimeoutError' || code === 'ABORT_ERR'
    ? `the token endpoint did not answer within ${CREDENTIAL_LIMITS.tokenMs} ms`
    : `the token endpoint could not be reached (${code ?? name})`;
