/**
 * Generates docs pages from the code, the table of variables in README.md, and the tree of dependencies in
 * CONTRIBUTING.md.
 *
 *   node scripts/docs.ts           writes the texts that are not current
 *   node scripts/docs.ts --check   exits 1 and names the files that are not current
 */
import { readFileSync, writeFileSync } from 'node:fs';

import { apiPage } from './docs/api-page.ts';
import { configPage } from './docs/config-page.ts';
import { withDependencyTree } from './docs/dependency-tree.ts';
import { errorsPage } from './docs/errors-page.ts';
import { withConfigTable } from './readme-config.ts';

const root = new URL('../', import.meta.url);

function read(path: string): string | null {
  try {
    return readFileSync(new URL(path, root), 'utf8');
  } catch {
    return null;
  }
}

const pages: readonly { path: string; text: string }[] = [
  { path: 'README.md', text: withConfigTable(read('README.md') ?? '') },
  { path: 'CONTRIBUTING.md', text: withDependencyTree(read('CONTRIBUTING.md') ?? '', root) },
  { path: 'docs/configuration.md', text: configPage() },
  { path: 'docs/errors.md', text: errorsPage() },
  { path: 'docs/api.md', text: apiPage(root) },
];
const outdated = pages.filter(({ path, text }) => read(path) !== text);

if (process.argv.includes('--check')) {
  for (const { path } of outdated) console.error(`${path} is not current: run node scripts/docs.ts`);
  if (outdated.length > 0) process.exitCode = 1;
} else {
  for (const { path, text } of outdated) {
    writeFileSync(new URL(path, root), text);
    console.log(`wrote ${path}`);
  }
}
