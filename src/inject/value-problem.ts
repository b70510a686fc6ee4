/** Why a text cannot be the value of a credential: a clause that repeats nothing of it, or null. */
import { isMarked } from './placeholder.ts';
import { CREDENTIAL_LIMITS } from './provider.ts';

const CONTROL = /[\u0000-\u001f\u007f]/;

export function valueProblem(value: string): string | null {
  const { shortestValue, longestValue } = CREDENTIAL_LIMITS;
  if (value === '') return 'is empty';
  if (value.length < shortestValue)
    return `is shorter than ${shortestValue} characters: it could not be told from other text and masked`;
  if (value.length > longestValue) return `has a value longer than ${longestValue} characters`;
  if (CONTROL.test(value)) return 'holds a line feed or another control character';
  if (Buffer.from(value).toString() !== value) return 'is no UTF-8 text';
  if (value !== value.trim()) return 'begins or ends with a blank';
  return isMarked(value) ? 'is itself a placeholder' : null;
}
