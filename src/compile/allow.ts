/** `--allow HOST[:PORT]`. */
import { err, ok, type Result } from '../base/result.ts';
import { readHost } from '../policy/host.ts';

const DEFAULT_PORT = 443;
/** A host without colons or in brackets with an optional port, or a bare IPv6 address. */
const FORM =
  /^(?:\[(?<bracketed>[^\]]*)\]|(?<plain>[^:[\]]*))(?::(?<port>\d{1,5}))?$|^(?<bare>[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$/;

/** The error is a clause that follows the text. */
export function parseAllow(text: string): Result<{ host: string; port: number }, string> {
  const groups = FORM.exec(text)?.groups;
  if (groups === undefined) return err('expected HOST or HOST:PORT');
  const host = readHost(groups['bracketed'] ?? groups['plain'] ?? groups['bare'] ?? '');
  if (!host.ok) return err(host.error.message);
  const port = Number(groups['port'] ?? DEFAULT_PORT);
  return port >= 1 && port <= 65535
    ? ok({ host: host.value.text, port })
    : err('the port must be 1 to 65535');
}
