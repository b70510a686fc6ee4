/** The values of a header, by its name in lower case, in the order in which they came; none: it is not there. */
export type HeaderValues = (name: string) => readonly string[];
