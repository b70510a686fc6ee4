/** Git over HTTPS: git-http-backend(1) as a CGI program (RFC 3875) behind a Node server. */
import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { find, SEARCH_PATH } from './host.ts';

/** A request listener for the repositories below `root`. */
export const gitBackend =
  (root: string) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url!, 'http://host');
    const child = spawn(find('git')!, ['-c', 'safe.directory=*', 'http-backend'], {
      env: {
        PATH: SEARCH_PATH,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_CONFIG_NOSYSTEM: '1',
        REMOTE_USER: 'tester',
        REQUEST_METHOD: request.method!,
        PATH_INFO: decodeURIComponent(url.pathname),
        QUERY_STRING: url.search.slice(1),
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        ...(request.headers['content-length'] === undefined
          ? {}
          : { CONTENT_LENGTH: request.headers['content-length'] }),
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    request.pipe(child.stdin);
    child.stdin.on('error', () => {}); // it need not read the whole body
    const parts: Buffer[] = [];
    child.stdout.on('data', (part: Buffer) => parts.push(part));
    child.once('close', () => answer(Buffer.concat(parts), response));
  };

/** Headers, an empty line, the body; the status is a header. */
function answer(output: Buffer, response: ServerResponse): void {
  const end = output.indexOf('\r\n\r\n');
  const headers = output
    .subarray(0, end)
    .toString('latin1')
    .split('\r\n')
    .map((line) => line.split(/:\s*/, 2) as [string, string]);
  const status = headers.find(([name]) => name.toLowerCase() === 'status')?.[1];
  response.writeHead(
    Number(status?.slice(0, 3) ?? 200),
    headers.filter(([name]) => name.toLowerCase() !== 'status').flat(),
  );
  response.end(output.subarray(end + 4));
}
