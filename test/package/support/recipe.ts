import { parsePage } from '../../../scripts/docs/markdown.ts';
import { readFileSync } from 'node:fs';

const page = readFileSync(new URL('../../../docs/apps.md', import.meta.url), 'utf8');

/** The code that docs/apps.md shows under a heading: tests run what readers copy. */
export function recipe(heading: string, language: string, nth = 0): string {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  const blocks = parsePage('docs/apps.md', section ?? '').blocks.filter((block) => block.language === language);
  const block = blocks[nth];
  if (!block) throw new Error(`docs/apps.md has no ${language} block ${nth} under "${heading}"`);
  return block.code;
}
