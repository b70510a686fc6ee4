/** X.509 for one sandbox: its authority and the leaves below it, as DER and PEM. */
import 'reflect-metadata'; // the library wants it, before itself
import { randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { parseAddress } from '../../base/address.ts';

type KeyPair = webcrypto.CryptoKeyPair;

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;
const AUTHORITY = 'CN=OpenShell Sandbox CA, O=OpenShell';
/** Clocks of a sandbox and of its host may differ a little; a certificate from the future is refused. */
const BEFORE_MS = 24 * 3600_000;
const VALID_MS = 30 * 24 * 3600_000;
/** Longer ones are refused as a common name (RFC 5280, ub-common-name); the alternative name is what counts. */
const MAX_COMMON_NAME = 64;

/** As rules and requests are normalised: no wildcard, nothing that is not a name of DNS. */
const NAME = /^[a-z0-9_.-]{1,253}$/;

export interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly keys: KeyPair;
}

export async function issueAuthority(now: number): Promise<Authority> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: AUTHORITY,
    ...validity(now),
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, keys };
}

/** @param host a name in its normal form, or the canonical text of an address */
export async function issueLeaf(
  { certificate, keys }: Authority,
  host: string,
  publicKey: webcrypto.CryptoKey,
): Promise<string> {
  const type = parseAddress(host) === null ? 'dns' : 'ip';
  if (type === 'dns' && !NAME.test(host))
    throw new Error(`no certificate is made for ${JSON.stringify(host)}`);
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: host.length <= MAX_COMMON_NAME ? [{ CN: [host] }] : [],
    issuer: certificate.subjectName,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      // Critical where the subject is empty (RFC 5280, 4.2.1.6).
      new x509.SubjectAlternativeNameExtension([{ type, value: host }], host.length > MAX_COMMON_NAME),
      await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pem(leaf);
}

export const generateKeys = (): Promise<KeyPair> =>
  webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);

export const pem = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`;

/** Positive, and not so long that a leading zero byte makes it 21 bytes (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
}

/** Whole seconds: a certificate has no others. */
function validity(now: number): { notBefore: Date; notAfter: Date } {
  const second = Math.floor(now / 1000) * 1000;
  return { notBefore: new Date(second - BEFORE_MS), notAfter: new Date(second + VALID_MS) };
}
