/** What openshell itself was started with: open files and variables. */
import { attack, call, type Subject } from '../probe.ts';

export const descriptors: Subject = {
  title: 'What openshell was started with',
  safeAsRoot: true,
  probes: [
    attack('inherited-file', 'read an open file of the caller', 'control', 'grep -q "$WORD" <&9'),
    attack('inherited-file-proc', 'read it by /proc/self/fd', 'control', 'grep -q "$WORD" /proc/self/fd/9'),
    attack(
      'inherited-directory',
      'use an open directory of the caller',
      'control',
      'grep -q "$WORD" /proc/self/fd/8/secret',
    ),
    call('inherited-write', 'write-descriptor 7', 'write to an open file of the caller', 'control', {
      errno: 'EBADF',
    }),
    attack(
      'inherited-any',
      'find an open file of the caller by its number',
      'control',
      '[ -e /proc/$$/fd/7 ] || [ -e /proc/$$/fd/8 ] || [ -e /proc/$$/fd/9 ]',
    ),
    attack('variable', 'read a variable of the caller', 'control', '[ -n "$SECRET_TOKEN" ]'),
    attack(
      'variable-of-others',
      'read a variable of the caller in another process',
      'control',
      `cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -q '^SECRET_TOKEN='`,
    ),
    attack(
      'node-options',
      'find variables for Node that the caller had',
      'control',
      '[ -n "$NODE_OPTIONS" ]',
    ),
  ],
};
