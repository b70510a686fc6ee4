/** `env:VAR`, `file:PATH` or `fd:N`: where a secret is, never the secret. */
import { err, ok, type Result } from '../../base/result.ts';
import type { SecretPlace } from '../../base/secret-place.ts';

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Of Linux: the most that fs.nr_open allows unless it is raised. */
const MAX_FD = 1_048_575;

/** Errors are clauses; they repeat nothing of the text, which may be a secret that was put in the wrong place. */
export function parseCredentialSource(text: string): Result<SecretPlace, string> {
  const colon = text.indexOf(':');
  const kind = colon < 0 ? '' : text.slice(0, colon);
  const rest = text.slice(colon + 1);
  switch (kind) {
    case 'env':
      return VARIABLE.test(rest)
        ? ok({ kind, name: rest })
        : err('a variable’s name has letters, digits and `_`');
    case 'file':
      return rest === '' || rest.includes('\0')
        ? err('no path stands after `file:`')
        : ok({ kind, path: rest });
    case 'fd': {
      const fd = /^(0|[1-9][0-9]{0,6})$/.test(rest) ? Number(rest) : -1;
      return fd >= 3 && fd <= MAX_FD ? ok({ kind, fd }) : err(`a descriptor is a number from 3 to ${MAX_FD}`);
    }
    default:
      return err('a secret is never written down here: say where it is');
  }
}
