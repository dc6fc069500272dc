import { existsSync } from 'node:fs';
import { posix } from 'node:path';

import type { Page } from './markdown.ts';

/** Links to missing files and headings, one line each. Web addresses are not checked. */
export function brokenLinks(pages: readonly Page[], root: URL): string[] {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  return pages.flatMap((page) =>
    page.links.flatMap(({ line, target }) => {
      const problem = /^[a-z]+:/.test(target) ? null : problemOf(target, { page, byPath, root });
      return problem === null ? [] : [`${page.path}:${line}: ${target}: ${problem}`];
    }),
  );
}

function problemOf(
  target: string,
  { page, byPath, root }: { page: Page; byPath: ReadonlyMap<string, Page>; root: URL },
): string | null {
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? page.path : posix.join(posix.dirname(page.path), decodeURI(file));
  const isThere = byPath.has(path) || (!path.startsWith('..') && existsSync(new URL(path, root)));
  if (!isThere) return 'there is no such file';
  if (anchor === undefined) return null;
  const other = byPath.get(path);
  if (!other) return 'only pages have headings to link to';
  return other.anchors.has(decodeURI(anchor)) ? null : 'there is no such heading';
}
