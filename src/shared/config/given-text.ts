/** What a text means, or why it can't be meant. An empty value counts as not set. */
export type Meant = { value: string } | { problem: string };

const QUOTED = /^(["'])(.*)\1$/s;

/**
 * Returns what a person meant by the text of a variable or a file. Editors and shells add a byte order mark, white space and line
 * breaks around it, and `docker run --env-file` keeps the quotes of a shell's syntax: all these are dropped.
 *
 * @param isSecret In a key or token, quotes could be meant, and nobody sees them: they are a problem.
 */
export function meantBy(text: string, { isSecret }: { isSecret: boolean }): Meant {
  // `trim` also drops a byte order mark.
  const bare = text.trim();
  const inQuotes = QUOTED.exec(bare)?.[2]?.trim();
  if (inQuotes === undefined) return { value: bare };
  if (isSecret && inQuotes !== '') return { problem: 'is in quotes, which would be sent as part of it: remove them' };
  return { value: inQuotes };
}

/** Returns the text of a file without a byte order mark, which `JSON.parse` refuses. */
export function withoutMark(text: string): string {
  return text.startsWith('\u{feff}') ? text.slice(1) : text;
}
