/** One row of a plan as it is shown. */
export interface Line {
  readonly text: string;
  /** What is enforced: without where it comes from, and however wide the columns are. */
  readonly enforced: string;
}
