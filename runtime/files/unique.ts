/** Names for what is written beside its place before it is renamed: no other process or thread takes the same. */
export const uniqueName = (): string =>
  // Whoever is unlucky finds the name taken, and fails instead of overwriting it.
  `${process.pid}-${Math.floor(Math.random() * 2 ** 48).toString(36)}`;

/** What such names look like, for those who clear away what a killed process left: the source of a pattern. */
export const UNIQUE_NAME = String.raw`\d+-[0-9a-z]+`;
