// Runs under the version of Node that is tested: takes listening sockets from handle-child.c, as src/launch does, serves
// HTTP on each and asks it. Arguments: the child's path, and how many sockets it sends. Prints one JSON object.
import { spawn } from 'node:child_process';
import { createServer, get } from 'node:http';

const [, , program, count] = process.argv;
const warnings = [];
process.on('warning', (warning) => warnings.push(String(warning)));
const child = spawn(program, [count], { stdio: ['inherit', 'inherit', 'inherit', 'pipe', 'ipc'], env: {} });
const answers = [];
const servers = [];

const ask = (port) =>
  new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part) => {
        body += part;
      });
      response.on('end', () => resolve(body));
    }).once('error', reject);
  });

child.on('message', async (message, handle) => {
  const server = createServer((_request, response) => response.end(`${message.kind} ${typeof handle}`));
  servers.push(server);
  server.listen(handle, async () => {
    answers.push(await ask(server.address().port));
    if (answers.length < Number(count)) return;
    for (const one of servers) one.close();
    child.disconnect();
  });
});
child.on('exit', (code, signal) => {
  console.log(JSON.stringify({ version: process.version, answers, warnings, code, signal }));
});
