/**
 * The way to a page's own view. Browsers take `.` and `..` for folders even when they are encoded, so `~` goes before them,
 * and before what begins with one.
 */
export function pagePath(pageId: string): string {
  return `/pages/${encodeURIComponent(/^\.{1,2}$|^~/.test(pageId) ? `~${pageId}` : pageId)}`;
}

/** The page id of such a path's last part, decoded. */
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

/** A query of all that is given. */
export function query(values: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, value] as [string, string]],
  );
  return new URLSearchParams(given).toString();
}
