/** The policy language: `expect`. */
import { extension, object, oneOf, text } from './fields.ts';
import { POLICY_LIMITS } from './limits.ts';

const path = text({ maxLength: POLICY_LIMITS.path });

export const EXPECTATION = object(
  'expectation',
  'One example: exactly one of `connect`, `read`, `write`, `syscall` and `request`, and the verdict that it must get.',
  {
    connect: extension(text(), 'A destination, as `api.github.com:443`.'),
    read: extension(path, 'A path that is read.'),
    write: extension(path, 'A path that is written.'),
    syscall: extension(text(), 'A system call, as `socket(AF_PACKET, SOCK_RAW, 0)`.'),
    request: extension(
      text({ maxLength: POLICY_LIMITS.path }),
      'A request, as `POST https://api.github.com/graphql`.',
    ),
    binary: extension(
      path,
      'The program that connects or asks. Omitted: a program that some rule for the host lists.',
    ),
    verdict: extension(
      oneOf(['allow', 'deny'], { mistakes: { allowed: 'allow', denied: 'deny' } }),
      'What must come out.',
      {
        required: true,
      },
    ),
    rule: extension(text(), 'Name of the network policy that must decide.'),
  },
  {
    host: 'connect',
    url: 'request',
    result: 'verdict',
    expected: 'verdict',
    policy: 'rule',
    path: 'read',
    open: 'read',
    exec: 'read',
  },
);
