/** Exit codes of `run` besides the program's own, as shells and timeout(1) use them. */
export const EXIT = { timeout: 124, failed: 125, notExecutable: 126, notFound: 127, signal: 128 } as const;
