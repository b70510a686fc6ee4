/** Every bound on a policy file in one place: a hostile file costs a bounded amount of time and memory. */

/** Whoever reads the file refuses it by its size before reading it. */
export const POLICY_LIMITS = {
  /** Bytes of the file, as UTF-8. */
  bytes: 4 * 1024 * 1024,
  /** Nested lists and mappings. */
  depth: 64,
  /** Values, lists and mappings, after aliases were expanded; keys are not counted. */
  nodes: 100_000,
  /** Lexical tokens, comments and blanks among them. */
  tokens: 1_000_000,
  /** Tokens that are punctuation: each misplaced one is a complaint of the YAML library. */
  punctuation: 300_000,
  /** Blanks, comments and empty lines in a row: the YAML parser looks back over them. */
  blankTokens: 20_000,
  /** Uses of an anchor. */
  aliases: 100,
  /** Nodes after the expansion of aliases for each node that is written. */
  aliasRatio: 5,
  /** Entries of one mapping or items of one list. */
  entries: 10_000,
  /** UTF-16 units of scalars and keys, after aliases were expanded. */
  scalarData: 4 * 1024 * 1024,
  /** Complaints of each severity that are kept; the rest is counted. */
  issues: 200,
  /** Complaints about syntax that are kept: one slip makes many. */
  syntaxIssues: 5,
  /** Characters of a path or pattern. */
  path: 4096,
  /** Characters of all patterns together after `{a,b}` was expanded. */
  expandedPatterns: 2 * 1024 * 1024,
  /** Characters of any other text. */
  text: 1024,
  /** Paths of `read_only` and `read_write` together; also of `deny` and `protect` together. */
  paths: 256,
  middlewares: 10,
  /** Host patterns of one middleware, included and excluded together. */
  middlewarePatterns: 32,
  /** Bytes of a request body that a policy may ask to hold for inspection. */
  inspectedBody: 64 * 1024 * 1024,
  /** Steps of the comparison of overlapping endpoints. */
  ambiguitySteps: 2_000_000,
  /** Complaints about overlapping endpoints. */
  ambiguityIssues: 20,
} as const;
