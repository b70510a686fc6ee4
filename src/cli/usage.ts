/** The command line was not understood: exit code 2 (125 for `run`). */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
