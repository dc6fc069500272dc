import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { type Page, readPage } from './markdown.ts';

export const projectRoot = new URL('../../', import.meta.url);

/** Every Markdown page written for readers. */
export function allPages(): Page[] {
  const cwd = fileURLToPath(projectRoot);
  const paths = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', 'ops/**/*.md'], {
    cwd,
    exclude: ['**/node_modules/**'],
  });
  return paths.toSorted().map((path) => readPage(projectRoot, path.replaceAll('\\', '/')));
}
