/**
 * A credential as it is given: the value itself, or a JSON document with several
 * (`{"credentials": {"VARIABLE": "value" | {"strategy": …}}}`). Complaints repeat nothing of it.
 */
import { err, ok, type Result } from '../base/result.ts';
import { isCredentialVariable } from './placeholder.ts';
import {
  CREDENTIAL_LIMITS,
  type CredentialDocument,
  type DocumentValue,
  type GoogleFacts,
} from './provider.ts';
import { isObject, readGrant } from './token-document.ts';
import { valueProblem } from './value-problem.ts';

/** @param variable the one that a plain value gets. Errors are clauses that follow "the credential". */
export function parseCredential(text: string, variable: string): Result<CredentialDocument, string> {
  if (Buffer.byteLength(text) > CREDENTIAL_LIMITS.credentialBytes)
    return err(`is longer than ${CREDENTIAL_LIMITS.credentialBytes} bytes`);
  const trimmed = text.replace(/\r?\n$/, '');
  if (/^\s*\{/.test(trimmed)) return parseDocument(trimmed);
  const problem = variableProblem(variable) ?? valueProblem(trimmed);
  return problem === null ? ok({ values: [{ variable, value: trimmed }], gcp: NO_PROJECT }) : err(problem);
}

const SHAPE =
  'begins with `{` and is no document of the form {"credentials": {"VARIABLE": "value"}} (docs/credentials.md)';

function parseDocument(text: string): Result<CredentialDocument, string> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return err(SHAPE);
  }
  if (!isObject(document) || !isObject(document['credentials'])) return err(SHAPE);
  if (Object.keys(document).some((key) => key !== 'credentials' && key !== 'gcp'))
    return err('has keys besides `credentials` and `gcp`');
  const gcp = googleFacts(document['gcp']);
  if (gcp === null) return err('has a `gcp` that is not {"project_id": …, "service_account_email": …}');
  const entries = Object.entries(document['credentials']);
  if (entries.length === 0) return err('holds no value');
  if (entries.length > CREDENTIAL_LIMITS.credentialValues)
    return err(`holds more than ${CREDENTIAL_LIMITS.credentialValues} values`);
  const values: DocumentValue[] = [];
  for (const [variable, given] of entries) {
    const problem = variableProblem(variable);
    if (problem !== null) return err(problem);
    const value = typeof given === 'string' ? fixed(given) : readGrant(given);
    if (!value.ok) return err(`has a value that cannot be used: ${variable} ${value.error}`);
    values.push({ variable, value: value.value });
  }
  return ok({ values, gcp });
}

const NO_PROJECT: GoogleFacts = { projectId: null, email: null };

/** Null: it is something else. */
function googleFacts(given: unknown): GoogleFacts | null {
  if (given === undefined) return NO_PROJECT;
  if (!isObject(given)) return null;
  const { project_id: projectId = null, service_account_email: email = null, ...rest } = given;
  const isName = (value: unknown): value is string | null =>
    value === null || (typeof value === 'string' && /^[A-Za-z0-9@.:_-]{1,256}$/.test(value));
  return isName(projectId) && isName(email) && Object.keys(rest).length === 0 ? { projectId, email } : null;
}

function fixed(value: string): Result<string, string> {
  const problem = valueProblem(value);
  return problem === null ? ok(value) : err(problem);
}

const variableProblem = (variable: string): string | null =>
  isCredentialVariable(variable)
    ? null
    : 'would be in a variable whose name has other characters than letters, digits and `_`, or is like a handle';
