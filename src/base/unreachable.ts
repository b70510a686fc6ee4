/** Marks a branch that the types exclude. Reaching it is a defect of ours, so it throws. */
export function unreachable(value: never, where: string): never {
  throw new Error(`internal error: unexpected value ${JSON.stringify(value)} in ${where}`);
}
