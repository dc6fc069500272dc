import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

const { resolve } = createRequire(import.meta.url);
const axe = readFileSync(resolve('axe-core/axe.min.js'), 'utf8');

export interface Finding {
  rule: string;
  what: string;
  /** The beginnings of the elements that it is about. */
  where: string[];
}

/** What axe finds on a page that keeps people from using it. The browser runs it, so the page's CSP has no say. */
export async function findSerious(page: Page): Promise<Finding[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<AxeResults>('axe.run(document, { resultTypes: ["violations"] })');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => ({ rule: id, what: help, where: nodes.map(({ html }) => html.slice(0, 160)) }));
}
