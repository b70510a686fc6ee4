/** A certificate authority made for one test file, and a server certificate of it, by openssl(1). */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { find } from './host.ts';
import type { Scratch } from './scratch.ts';

export interface Certificate {
  /** Path of the authority's certificate, for clients. */
  readonly authority: string;
  readonly key: string;
  readonly cert: string;
}

/** Valid for these names. Needs openssl. */
export function makeCertificate(scratch: Scratch, names: readonly string[]): Certificate {
  const directory = scratch.directory('certificates');
  const at = (name: string): string => join(directory, name);
  const openssl = (...args: string[]): void =>
    void execFileSync(find('openssl')!, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];
  const authority = ['-x509', '-days', '2', '-subj', '/CN=authority of a test', '-out', 'ca.pem'];
  openssl('req', ...key, ...authority, '-keyout', 'ca.key', '-addext', 'keyUsage=critical,keyCertSign');
  openssl('req', ...key, '-subj', `/CN=${names[0]}`, '-keyout', 'server.key', '-out', 'server.csr');
  scratch.write('certificates/names', `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}\n`);
  const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names', '-days', '2'];
  openssl('x509', '-req', '-in', 'server.csr', ...signer, '-out', 'server.pem');
  return {
    authority: at('ca.pem'),
    key: readFileSync(at('server.key'), 'utf8'),
    cert: readFileSync(at('server.pem'), 'utf8'),
  };
}
