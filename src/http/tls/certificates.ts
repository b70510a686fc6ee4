/** X.509 version 3 (RFC 5280) for one sandbox: its authority and the leaves below it. Keys are on P-256. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { type Address, parseAddress } from '../../base/address.ts';
import * as der from './der.ts';

/** Clocks of a sandbox and of its host may differ a little; a certificate from the future is refused. */
const BEFORE_MS = 24 * 3600_000;
const VALID_MS = 30 * 24 * 3600_000;
/** Longer ones are refused as a common name (RFC 5280, ub-common-name); the alternative name is what counts. */
const MAX_COMMON_NAME = 64;

/** As rules and requests are normalised: no wildcard, nothing that is not a name of DNS. */
const NAME = /^[a-z0-9_.-]{1,253}$/;

const OID = {
  commonName: '2.5.4.3',
  organisation: '2.5.4.10',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

const VERSION_3 = Buffer.from([2]);
const SIGNATURE = der.sequence(der.objectIdentifier(OID.ecdsaWithSha256));
const AUTHORITY = der.sequence(
  attribute(OID.commonName, 'OpenShell Sandbox CA'),
  attribute(OID.organisation, 'OpenShell'),
);
/** The bits of KeyUsage (RFC 5280, 4.2.1.3), the first of them the highest. */
const USAGE = {
  certificatesAndLists: der.bitString(Buffer.from([0b0000_0110]), 1),
  digitalSignature: der.bitString(Buffer.from([0b1000_0000]), 7),
} as const;

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  readonly keys: KeyPair;
  /** DER, the same for its leaves. */
  readonly validity: Buffer;
  readonly keyIdentifier: Buffer;
}

export const generateKeys = (): KeyPair => generateKeyPairSync('ec', { namedCurve: 'P-256' });

export function issueAuthority(now: number): Authority {
  const keys = generateKeys();
  const second = Math.floor(now / 1000) * 1000;
  const validity = der.sequence(
    der.time(new Date(second - BEFORE_MS)),
    der.time(new Date(second + VALID_MS)),
  );
  const keyIdentifier = identifierOf(keys.publicKey);
  const oneLevel = der.sequence(der.boolean(true), der.unsigned(Buffer.from([0])));
  const certificate = signed(keys.privateKey, {
    validity,
    subject: AUTHORITY,
    publicKey: keys.publicKey,
    extensions: [
      extension(OID.basicConstraints, true, oneLevel),
      extension(OID.keyUsage, true, USAGE.certificatesAndLists),
      extension(OID.subjectKeyIdentifier, false, der.octetString(keyIdentifier)),
    ],
  });
  return { certificate, keys, validity, keyIdentifier };
}

/**
 * PEM. Throws for what is neither.
 * @param host a name in its normal form, or the canonical text of an address
 */
export function issueLeaf(
  { keys, validity, keyIdentifier }: Authority,
  host: string,
  publicKey: KeyObject,
): string {
  const address = parseAddress(host);
  if (address === null && !NAME.test(host))
    throw new Error(`no certificate is made for ${JSON.stringify(host)}`);
  const named = host.length <= MAX_COMMON_NAME;
  const alternative =
    address === null ? der.implicit(2, Buffer.from(host, 'latin1')) : der.implicit(7, bytesOf(address));
  return signed(keys.privateKey, {
    validity,
    subject: named ? der.sequence(attribute(OID.commonName, host)) : der.sequence(),
    publicKey,
    extensions: [
      extension(OID.basicConstraints, true, der.sequence()),
      extension(OID.keyUsage, true, USAGE.digitalSignature),
      extension(OID.extendedKeyUsage, false, der.sequence(der.objectIdentifier(OID.serverAuth))),
      // Critical where the subject is empty (RFC 5280, 4.2.1.6).
      extension(OID.subjectAlternativeName, !named, der.sequence(alternative)),
      extension(OID.authorityKeyIdentifier, false, der.sequence(der.implicit(0, keyIdentifier))),
    ],
  });
}

interface ToSign {
  readonly validity: Buffer;
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

function signed(key: KeyObject, { validity, subject, publicKey, extensions }: ToSign): string {
  const contents = der.sequence(
    der.explicit(0, der.unsigned(VERSION_3)),
    der.unsigned(serialNumber()),
    SIGNATURE,
    AUTHORITY,
    validity,
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der.explicit(3, der.sequence(...extensions)),
  );
  const signature = sign('sha256', contents, key);
  return pem(der.sequence(contents, SIGNATURE, der.bitString(signature)));
}

const pem = (certificate: Buffer): string => {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
};

function attribute(type: string, value: string): Buffer {
  return der.setOf(der.sequence(der.objectIdentifier(type), der.utf8String(value)));
}

const extension = (type: string, critical: boolean, value: Buffer): Buffer =>
  der.sequence(
    der.objectIdentifier(type),
    ...(critical ? [der.boolean(true)] : []), // the default is not written
    der.octetString(value),
  );

/** The first 20 bytes of the SHA-256 of the point (RFC 7093, method 1), which ends a P-256 key's DER. */
const identifierOf = (key: KeyObject): Buffer =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }).subarray(-65))
    .digest()
    .subarray(0, 20);

function bytesOf({ family, value }: Address): Buffer {
  const bytes = family === 4 ? 4 : 16;
  return Buffer.from(value.toString(16).padStart(2 * bytes, '0'), 'hex');
}

/** Positive, and not so long that a leading zero byte makes it 21 bytes (RFC 5280, 4.1.2.2). */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes;
}
