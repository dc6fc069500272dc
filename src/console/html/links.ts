/**
 * The path of a page's view. Browsers treat `.` and `..` as folders even when they are encoded, so these ids get a `~` in
 * front, and so do ids that begin with `~`.
 */
export function pagePath(pageId: string): string {
  return `/pages/${encodeURIComponent(/^\.{1,2}$|^~/.test(pageId) ? `~${pageId}` : pageId)}`;
}

/** The page id, from the decoded last part of such a path. */
export function pageIdOf(part: string): string {
  return part.startsWith('~') ? part.slice(1) : part;
}

export function conversationPath(pageId: string, conversationId: string): string {
  return `/find?${query({ page: pageId, conversation: conversationId })}`;
}

export function messagePath(id: string): string {
  return `/find?${query({ q: id })}`;
}

export function deadLetterPath(id: string): string {
  return `/dead-letters/${encodeURIComponent(id)}`;
}

/** A query string of all values that are not empty. */
export function query(values: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, value] as [string, string]],
  );
  return new URLSearchParams(given).toString();
}
