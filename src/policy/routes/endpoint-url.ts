/** The URL at which a provider is reached. Whatever two programs could read differently is refused. */
import { err, ok, type Result } from '../../base/result.ts';
import { type HostProblem, readHost } from '../host.ts';
import type { RouteEndpoint } from './routes.ts';

const URL_FORM = /^(https?):\/\/(\[[^\]/?#@]*\]|[^/?#@:]*)(?::([0-9]{1,5}))?(\/[^?#]*)?$/;
/** Canonical already: no escapes, no parameters, no empty or dot segments. */
const PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~!$&'()*+,=:@-]+)*\/?$/;

export type UrlProblem = Pick<HostProblem, 'message' | 'hint'>;

/** Takes `https://HOST[:PORT][/PATH]`, or the same with `http`. */
export function parseEndpointUrl(text: string): Result<RouteEndpoint, UrlProblem> {
  const match = URL_FORM.exec(text);
  if (match === null)
    return problem(
      'it is no URL of the form `https://HOST:PORT/PATH`',
      'Leave out user, query and fragment.',
    );
  const [, scheme, hostText, portText, path = ''] = match;
  const host = readHost(hostText!.startsWith('[') ? hostText!.slice(1, -1) : hostText!);
  if (!host.ok) return err(host.error);
  if (host.value.kind === 'pattern') return problem('the host is a pattern', 'Write one host.');
  const port = portText === undefined ? (scheme === 'https' ? 443 : 80) : Number(portText);
  if (port < 1 || port > 65_535) return problem('the port is outside the range 1 to 65535', null);
  if (!PATH.test(path))
    return problem(
      'the path holds what servers read in different ways',
      'Write it without escapes, `;` and dot segments.',
    );
  return ok({
    scheme: scheme as 'http' | 'https',
    host: host.value.text,
    port,
    path: path.endsWith('/') ? path.slice(0, -1) : path,
  });
}

const problem = (message: string, hint: string | null): Result<never, UrlProblem> => err({ message, hint });

/** Whether a connection to it stays on this machine. */
export const isLoopback = ({ host }: RouteEndpoint): boolean =>
  host === 'localhost' || host === '::1' || /^127\.[0-9.]+$/.test(host);
