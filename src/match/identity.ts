/** Who asks: the program that called connect, and the programs that started it, as they were at that moment. */
export interface BinaryIdentity {
  /** As the host counts it. */
  readonly pid: number;
  readonly executable: ExecutableIdentity;
  /** Nearest first, at most 64. */
  readonly ancestors: readonly ExecutableIdentity[];
}

export interface ExecutableIdentity {
  /** Absolute, as the sandbox sees it, without ` (deleted)`. */
  readonly path: string;
  /** 64 lower-case hexadecimal digits; null: the content could not be read, so it grants nothing. */
  readonly sha256: string | null;
}
